{{/* What values.schema.json cannot say, because it takes several values together. */}}
{{- define "qrcast.checks" -}}
{{- if and (not .Values.existingSecret.name) (include "qrcast.secretKeys" (list . "gateway")) -}}
{{- fail "existingSecret.name is empty: make a Secret with the keys of existingSecret.keys first, and name it (see README.md)" -}}
{{- end -}}
{{- with .Values.shutdown -}}
{{- $least := add .preStopSeconds .drainSeconds 10 | int -}}
{{- if lt (int .graceSeconds) $least -}}
{{- fail (printf "shutdown.graceSeconds is %d, but a stop takes up to %d s (preStopSeconds + drainSeconds + 10): set it to %d or more" (int .graceSeconds) $least $least) -}}
{{- end -}}
{{- end -}}
{{- range $role := list "gateway" "worker" -}}
{{- $values := index $.Values $role -}}
{{- with $values.podDisruptionBudget -}}
{{- if and .enabled (has (toString .maxUnavailable) (list "0" "0%")) -}}
{{- fail (printf "%s.podDisruptionBudget.maxUnavailable is %v, so no node with a %s could be drained: set it to 1 or more" $role .maxUnavailable $role) -}}
{{- end -}}
{{- end -}}
{{- with $values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "%s.autoscaling.minReplicas is %d, above maxReplicas, which is %d" $role (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- $target := default 0 (coalesce .targetConnections .targetLatenessMilliseconds) | int -}}
{{- if and .enabled $target (not $.Values.metrics.enabled) -}}
{{- fail (printf "%s.autoscaling has a target beside CPU, which is read from the metrics: set metrics.enabled" $role) -}}
{{- end -}}
{{- if and .enabled (not (dig "requests" "cpu" "" $values.resources)) -}}
{{- fail (printf "%s.autoscaling goes by the CPU that a pod requests: set %s.resources.requests.cpu" $role $role) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $name := list "serviceMonitor" "podMonitor" -}}
{{- if and (index $.Values $name).enabled (not $.Values.metrics.enabled) -}}
{{- fail (printf "%s.enabled would scrape what is not served: set metrics.enabled" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled -}}
{{- fail "serviceMonitor.enabled and podMonitor.enabled together would count everything twice: choose one" -}}
{{- end -}}
{{- if and .Values.metrics.enabled (not .Values.existingSecret.keys.QRCAST_METRICS_TOKEN) -}}
{{- fail "metrics.enabled needs existingSecret.keys.QRCAST_METRICS_TOKEN: without a token a pod serves metrics to itself alone" -}}
{{- end -}}
{{- range $name := list "ingress" "httpRoute" -}}
{{- if and (index $.Values $name).enabled (not $.Values.publicUrl) -}}
{{- fail (printf "%s.enabled serves the host of publicUrl: set publicUrl" $name) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.enabled needs a Gateway: set httpRoute.parentRefs" -}}
{{- end -}}
{{- if ne (empty .Values.redisTls.certificate) (empty .Values.redisTls.key) -}}
{{- fail "redisTls.certificate and redisTls.key belong together: set both or none" -}}
{{- end -}}
{{- end -}}
