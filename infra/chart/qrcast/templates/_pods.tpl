{{/*
What the pods of both roles and of the test have in common. Each takes a list: the root, the role,
and what the role's values are.
*/}}

{{/* A number of YAML is a float in a template: 1000000 must not become 1e+06. */}}
{{- define "qrcast.text" -}}
{{- if kindIs "bool" . -}}{{ ternary "on" "off" . }}
{{- else if kindIs "float64" . -}}{{ int64 . }}
{{- else -}}{{ . }}
{{- end -}}
{{- end -}}

{{/* The secrets that a role reads, as `SETTING: key`. */}}
{{- define "qrcast.secretKeys" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- range $name, $key := $root.Values.existingSecret.keys -}}
{{- $isForRole := or (ne $name "QRCAST_ADMIN_KEY") (eq $role "gateway") -}}
{{- $isOn := or (ne $name "QRCAST_METRICS_TOKEN") $root.Values.metrics.enabled -}}
{{- if and $key $isForRole $isOn }}
{{ $name }}: {{ $key }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "qrcast.env" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
{{- $own := index . 2 -}}
- { name: PORT, value: "3000" }
- { name: QRCAST_DRAIN_MS, value: {{ printf "%d000" (int $root.Values.shutdown.drainSeconds) | quote }} }
{{- range $name, $key := fromYaml (include "qrcast.secretKeys" (list $root $role)) }}
- { name: {{ $name }}_FILE, value: {{ printf "/run/secrets/qrcast/%s" $key | quote }} }
{{- end }}
{{- with $root.Values.redisTls }}
{{- if .existingSecret }}
{{- if .ca }}
- { name: QRCAST_REDIS_CA, value: {{ printf "/run/secrets/redis-tls/%s" .ca | quote }} }
{{- end }}
{{- if .certificate }}
- { name: QRCAST_REDIS_CERT, value: {{ printf "/run/secrets/redis-tls/%s" .certificate | quote }} }
- { name: QRCAST_REDIS_KEY, value: {{ printf "/run/secrets/redis-tls/%s" .key | quote }} }
{{- end }}
{{- end }}
{{- end }}
{{- if and $root.Values.metrics.enabled (ne $role "test") }}
- { name: QRCAST_METRICS_PORT, value: "9464" }
{{- end }}
{{- if and $root.Values.publicUrl (ne $role "worker") }}
- { name: QRCAST_PUBLIC_URL, value: {{ $root.Values.publicUrl | quote }} }
{{- end }}
{{- range $name, $value := merge (deepCopy $own) $root.Values.settings }}
- { name: {{ $name }}, value: {{ include "qrcast.text" $value | quote }} }
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "qrcast.mounts" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
- { name: tmp, mountPath: /tmp }
{{- if include "qrcast.secretKeys" (list $root $role) }}
- { name: secrets, mountPath: /run/secrets/qrcast, readOnly: true }
{{- end }}
{{- if $root.Values.redisTls.existingSecret }}
- { name: redis-tls, mountPath: /run/secrets/redis-tls, readOnly: true }
{{- end }}
{{- with $root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "qrcast.volumes" -}}
{{- $root := index . 0 -}}
{{- $role := index . 1 -}}
- { name: tmp, emptyDir: { sizeLimit: 64Mi } }
{{- with fromYaml (include "qrcast.secretKeys" (list $root $role)) }}
- name: secrets
  secret:
    secretName: {{ $root.Values.existingSecret.name | quote }}
    items:
    {{- range $name, $key := . }}
      - { key: {{ $key | quote }}, path: {{ $key | quote }} }
    {{- end }}
{{- end }}
{{- with $root.Values.redisTls.existingSecret }}
- { name: redis-tls, secret: { secretName: {{ . | quote }} } }
{{- end }}
{{- with $root.Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "qrcast.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{- define "qrcast.podSecurity" -}}
serviceAccountName: {{ include "qrcast.serviceAccount" . }}
automountServiceAccountToken: false
# A Service `qrcast-metrics` would set QRCAST_METRICS_PORT in every pod.
enableServiceLinks: false
securityContext: {{ toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
