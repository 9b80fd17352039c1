{{/*
What people and the provider need of a gateway, one path after the other, so that the admin API and
the health are not among them. A test compares the list with the contract. `path` ends in no slash.
*/}}
{{- define "qrcast.paths" -}}
prefixes:
  - /v1/audit
  - /v1/callbacks
  - /v1/overview
  - /v1/sessions
  - /v1/statistics
  - /v1/tickets
  - /v1/webhooks
  - /v1/ws
  - /socket.io
  - /connect
{{- if .console }}
  - /console
{{- end }}
exact:
  - /
  - /asyncapi.json
  - /client.js
  - /docs
  - /docs.css
  - /element.js
  - /openapi.json
{{- end -}}

{{/* The path of publicUrl, which a proxy leaves on. */}}
{{- define "qrcast.publicPath" -}}
{{- (urlParse .Values.publicUrl).path | trimSuffix "/" -}}
{{- end -}}

{{- define "qrcast.publicHost" -}}
{{- (urlParse .Values.publicUrl).hostname -}}
{{- end -}}
