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
{{- if .Values.baseline.configMap -}}
{{- $_ := set $own "baseline" (dict "file" (printf "/etc/kilter-baseline/%s" .Values.baseline.key)) -}}
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
{{- end }}
