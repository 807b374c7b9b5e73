/**
 * Whether a call of /health wants the metrics: its `Accept` names `application/openmetrics-text`, or `text/plain` with
 * `version=0.0.4`, as every Prometheus does. Anything else (`text/plain` alone, JSON, any type) wants the health answer.
 */
export function wantsExposition(accept: string | undefined): boolean {
  return (accept ?? '').split(',').some((range) => {
    const [type = '', ...parameters] = range
      .toLowerCase()
      .split(';')
      .map((part) => part.replaceAll(/[\s"]/g, ''))
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) return false
    return type.endsWith('openmetrics-text') || (type === 'text/plain' && parameters.includes('version=0.0.4'))
  })
}
