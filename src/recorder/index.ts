export { type PriceOverride, priceOverrideSchema, type RecorderConfig, recorderConfigSchema } from './config.ts'
export { createPriceBook } from './price-book.ts'
export { createRecorder, type Recorder, type RecorderOptions } from './recorder.ts'
