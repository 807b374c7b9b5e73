import { expect, test } from 'vitest'
import { renderMetricsDoc } from './metrics-doc.ts'

test('docs/metrics.md is what the catalogue says', async () => {
  await expect(renderMetricsDoc()).toMatchFileSnapshot('../../docs/metrics.md')
})
