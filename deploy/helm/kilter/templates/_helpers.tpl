{{- define "kilter.name" -}}
{{- printf "%s" .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- end }}

{{- define "kilter.selector" -}}
app.kubernetes.io/name: kilter
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kilter.labels" -}}
{{ include "kilter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "kilter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "kilter.configuration" -}}
{{- $own := dict "upstream" .Values.upstream "drain_s" .Values.drainSeconds -}}
{{- if and (eq .Values.layout "gateway") (hasPrefix "https://" .Values.upstream) -}}
{{- $_ := set $own "relay" (dict "rewrite_host" true) -}}{{/* a vendor answers to its own name only */}}
{{- end -}}
{{- if .Values.baseline.configMap -}}
{{- $_ := set $own "baseline" (dict "file" (printf "/etc/kilter-baseline/%s" .Values.baseline.key)) -}}
{{- end -}}
{{- with .Values.adminHosts -}}
{{- $_ := set $own "admin_hosts" . -}}
{{- end -}}
{{- if .Values.store -}}
{{- $fleet := dict "name" (.Values.fleet.name | default .Release.Name) "key_file" "/run/kilter-fleet/key" -}}
{{- if .Values.fleet.password -}}
{{- $_ := set $fleet "password_file" "/run/kilter-fleet/password" -}}
{{- end -}}
{{- if .Values.fleet.ca -}}
{{- $_ := set $fleet "ca_file" "/run/kilter-fleet/ca.pem" -}}
{{- end -}}
{{- $_ := set $own "store" .Values.store -}}
{{- $_ := set $own "fleet" $fleet -}}
{{- end -}}
{{- mustMergeOverwrite $own .Values.config | toYaml -}}
{{- end }}

{{- define "kilter.container" -}}
- name: kilter
  image: {{ include "kilter.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [--config, /etc/kilter/kilter.yaml]
  {{- if eq .Values.layout "sidecar" }}
  restartPolicy: Always
  {{- end }}
  {{- with .Values.env }}
  env: {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - {name: traffic, containerPort: 9400}
    - {name: admin, containerPort: 9401}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    allowPrivilegeEscalation: false
    readOnlyRootFilesystem: true
    capabilities: {drop: [ALL]}
  # None of the three asks for the monitor: a pod whose behaviour is not being watched still serves.
  startupProbe:
    httpGet: {path: /healthz, port: admin}
    periodSeconds: 1
    failureThreshold: 30
  livenessProbe:
    httpGet: {path: /healthz, port: admin}
    periodSeconds: 10
    timeoutSeconds: 2
  readinessProbe:
    httpGet: {path: /readyz, port: admin}
    periodSeconds: 5
  {{- if ne .Values.layout "sidecar" }}
  lifecycle:
    preStop:
      # Until the Service no longer sends anybody here.
      exec:
        command: [/opt/kilter/bin/python, -c, "import time; time.sleep(5)"]
  {{- end }}
  resources: {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    - {name: kilter-config, mountPath: /etc/kilter, readOnly: true}
    - {name: kilter-state, mountPath: /var/lib/kilter}
    - {name: kilter-tmp, mountPath: /tmp}
    {{- if .Values.baseline.configMap }}
    - {name: kilter-baseline, mountPath: /etc/kilter-baseline, readOnly: true}
    {{- end }}
    {{- if .Values.store }}
    - {name: kilter-fleet, mountPath: /run/kilter-fleet, readOnly: true}
    {{- end }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{/* The Secret of the fleet, as a volume. */}}
{{- define "kilter.fleetVolume" -}}
- name: kilter-fleet
  secret: {secretName: {{ .Values.fleet.secret }}, defaultMode: 0440}
{{- end }}

{{- define "kilter.monitorSelector" -}}
app.kubernetes.io/name: kilter-monitor
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kilter.monitorLabels" -}}
{{ include "kilter.monitorSelector" . }}
app.kubernetes.io/component: fleet-monitor
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What would install and then not work, or lose data. */}}
{{- define "kilter.refusals" -}}
{{- if and .Values.store (not .Values.fleet.secret) -}}
{{- fail "fleet.secret: is needed with store: a Secret with `key`, 32 bytes as hex that key every hash of the fleet (openssl rand -hex 32)" -}}
{{- end -}}
{{- $canaries := dig "canary" "enabled" false .Values.config -}}
{{- if and .Values.store $canaries .Values.fleet.monitors (ne .Values.layout "gateway") (not .Values.fleet.upstream) -}}
{{- fail "fleet.upstream: is needed with store and config.canary.enabled: no model server answers at 127.0.0.1 in a monitor's pod" -}}
{{- end -}}
{{- if and (eq .Values.layout "sidecar") (semverCompare "<1.29-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "layout: Kubernetes %s has no native sidecars, which came with 1.29; use layout=container" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- if and .Values.persistence.enabled (gt (int .Values.replicas) 1) -}}
{{- fail (printf "replicas: one volume serves one replica, got %d with persistence.enabled; install one release a replica, or leave persistence off" (int .Values.replicas)) -}}
{{- end -}}
{{- if and (eq .Values.server.waitsWith "sleep") (ne .Values.layout "gateway") (not .Values.server.preStop) (semverCompare "<1.30-0" .Capabilities.KubeVersion.Version) -}}
{{- fail (printf "server.waitsWith: Kubernetes %s has no preStop.sleep, which came with 1.30; give server.preStop a command" .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end }}

{{/* The server's preStop. A native sidecar is stopped after the server: so the server waits until nothing is in flight, and
     first for the Service to send nobody here any more. A plain container is stopped beside it: so the server waits until Kilter is gone. */}}
{{- define "kilter.serverPreStop" -}}
{{- $s := .Values.server -}}
{{- $sidecar := eq .Values.layout "sidecar" -}}
{{- if $s.preStop -}}
exec:
  command: {{- toYaml $s.preStop | nindent 4 }}
{{- else if eq $s.waitsWith "sleep" -}}
sleep:
  seconds: {{ add .Values.drainSeconds 5 }}
{{- else if and $sidecar (eq $s.waitsWith "curl") -}}
exec:
  command:
    - sh
    - -c
    - |
      sleep 5
      i=0
      while [ $i -lt {{ .Values.drainSeconds }} ]; do
        told=$(curl -s -m 2 http://127.0.0.1:9401/metrics)
        [ $? -eq 7 ] && break  # nobody is there any more
        case "$told" in *"kilter_inflight_requests 0"*) break ;; esac
        sleep 1
        i=$((i + 1))
      done
{{- else if $sidecar -}}
exec:
  command:
    - python3
    - -c
    - |
      import http.client, time
      time.sleep(5)
      until = time.monotonic() + {{ .Values.drainSeconds }}
      while time.monotonic() < until:
          try:
              kilter = http.client.HTTPConnection("127.0.0.1", 9401, timeout=2)
              kilter.request("GET", "/metrics")
              if b"kilter_inflight_requests 0" in kilter.getresponse().read():
                  break
          except ConnectionRefusedError:
              break  # nobody is there any more
          except OSError:
              pass
          time.sleep(1)
{{- else if eq $s.waitsWith "curl" -}}
exec:
  command: [sh, -c, "until curl -s -m 2 -o /dev/null http://127.0.0.1:9401/healthz; [ $? -eq 7 ]; do sleep 1; done"]
{{- else -}}
exec:
  command:
    - python3
    - -c
    - |
      import socket, time
      while not socket.socket().connect_ex(("127.0.0.1", 9401)):
          time.sleep(1)
{{- end -}}
{{- end }}
