/** A shell script that sends one span of its own, as a child of what its environment names, and says `sent`. */
export function spanFromInside(otlpUrl: string): string {
  const span = `{"traceId":"$T","spanId":"00f067aa0ba902b7","parentSpanId":"$P","name":"inside","kind":1,"startTimeUnixNano":"$(date +%s)000000000","endTimeUnixNano":"$(date +%s)000000000","flags":257,"attributes":[{"key":"correlation.id","value":{"stringValue":"$CORRELATION_ID"}}]}`
  const body = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"inside"}}]},"scopeSpans":[{"scope":{"name":"shell"},"spans":[${span}]}]}]}`
  return `T=$(echo $TRACEPARENT | cut -d- -f2); P=$(echo $TRACEPARENT | cut -d- -f3)
          wget -q -O - --header 'content-type: application/json' --post-data "${body.replaceAll('"', '\\"')}" ${otlpUrl}/v1/traces && echo sent`
}
