"""Real proxies that stand in front of Kilter, with the shortest configuration that streams."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from monitoring import free_port
from real import missing, program

NGINX = """
user root; daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{kilter}; proxy_buffering off; proxy_read_timeout 600s; {more} }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  option http-no-delay
  option abortonclose
frontend clients
  bind 127.0.0.1:{port}
  default_backend kilter
backend kilter
  server kilter 127.0.0.1:{kilter}
"""
ENVOY = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: clients
          stream_idle_timeout: 600s
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: /}}, route: {{cluster: kilter, timeout: 0s}}}}]}}
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: kilter
    connect_timeout: 5s
    load_assignment:
      cluster_name: kilter
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {kilter}}}}}}}}}]}}]
"""


def _envoy():
    beside = Path(sys.executable).with_name("envoy")
    return str(beside) if beside.exists() else shutil.which("envoy") or missing("envoy is not installed")


FRONTS = {
    "nginx speaking HTTP/1.0": (lambda: program("nginx"), NGINX, ["-c"], ""),
    "nginx speaking HTTP/1.1": (
        lambda: program("nginx"),
        NGINX,
        ["-c"],
        "proxy_http_version 1.1; proxy_set_header Connection '';",
    ),
    "HAProxy": (lambda: program("haproxy"), HAPROXY, ["-q", "-f"], ""),
    "Envoy": (_envoy, ENVOY, ["--concurrency", "1", "-l", "error", "--use-dynamic-base-id", "-c"], ""),
}


@contextlib.contextmanager
def front(name, kilter_port, directory):
    """Runs a proxy; yields the port at which it serves clients."""
    find, template, flags, more = FRONTS[name]
    executable, port = find(), free_port()
    config = directory / "front.yaml"
    config.write_text(template.format(directory=directory, port=port, kilter=kilter_port, more=more))
    with (directory / "front.log").open("wb") as log:
        process = subprocess.Popen([executable, *flags, str(config)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (directory / "front.log").read_text()
            assert time.monotonic() < deadline, (directory / "front.log").read_text()
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)
