{{/*
The beginning of all names, of at most 50 characters, so that `-gateway` and the names of pods fit
into the 63 of a label. A longer one ends in a hash. Two releases never share a name: `x` becomes
`x-qrcast`, and `x-qrcast` becomes `x-qrcast-qrcast`.
*/}}
{{- define "qrcast.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $hasName := hasPrefix (printf "%s-" $name) (printf "%s-" .Release.Name) -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) $hasName -}}
{{- $full = default $full .Values.fullnameOverride -}}
{{- if regexMatch "^[0-9]" $full -}}
{{- fail (printf "the name of a Service begins with a letter, but the release is %q: set fullnameOverride" .Release.Name) -}}
{{- end -}}
{{- if gt (len $full) 50 -}}
{{- printf "%s-%s" (trunc 41 $full | trimSuffix "-") (sha256sum $full | trunc 8) -}}
{{- else -}}
{{- $full -}}
{{- end -}}
{{- end -}}

{{- define "qrcast.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "qrcast.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "qrcast.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository $tag -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a release. A Deployment cannot change it, so it has no version. */}}
{{- define "qrcast.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "qrcast.labels" -}}
{{ include "qrcast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{- end -}}
