import { renderProvidersDoc } from '../providers/providers-doc.ts'
import { renderImportExportDoc } from '../store/export/import-export-doc.ts'
import { renderMetricsDoc } from '../telemetry/metrics-doc.ts'
import { renderConfigurationDoc } from './configuration-doc.ts'
import { renderErrorsDoc } from './errors-doc.ts'

/** The pages of `docs/` that are made from code, by file name. `npm run docs` writes them, a test holds them equal. */
export const generatedDocs: Readonly<Record<string, () => string>> = {
  'configuration.md': renderConfigurationDoc,
  'errors.md': renderErrorsDoc,
  'import-export.md': renderImportExportDoc,
  'metrics.md': renderMetricsDoc,
  'providers.md': renderProvidersDoc,
}
