// @ts-check
import { stampLength } from './answers.mjs'

/**
 * Compares one body, as it comes in pieces, with its template: every byte, and the stamps that stand in its holes.
 * One of these serves all bodies of a connection; `reset` begins the next.
 */
export class TemplateCheck {
  /** Position in the template. */
  at = 0
  wrong = false
  holeIndex = 0
  stampValue = 0

  /**
   * @param {import('./answers.mjs').Template} template
   * @param {(stampUs: number) => void} onStamp told the clock stamp of each event as it becomes complete
   */
  constructor(template, onStamp) {
    this.template = template
    this.onStamp = onStamp
  }

  reset() {
    this.at = 0
    this.wrong = false
    this.holeIndex = 0
    this.stampValue = 0
  }

  /** @param {Buffer} buffer @param {number} start @param {number} end */
  push(buffer, start, end) {
    const { bytes, holes } = this.template
    let from = start
    while (from < end && !this.wrong) {
      const hole = holes[this.holeIndex] ?? bytes.length
      if (this.at < hole) {
        const length = Math.min(end - from, hole - this.at)
        if (bytes.compare(buffer, from, from + length, this.at, this.at + length) !== 0) {
          this.wrong = true
          // One piece may hold many events: only those before the wrong byte were right.
          while (bytes[this.at] === buffer[from]) {
            this.at += 1
            from += 1
          }
          return
        }
        this.at += length
        from += length
      } else if (this.at >= bytes.length) {
        this.wrong = true // more than the template has
      } else {
        const digit = (buffer[from] ?? 0) - 0x30
        if (digit < 0 || digit > 9) {
          this.wrong = true
          return
        }
        this.stampValue = this.stampValue * 10 + digit
        this.at += 1
        from += 1
        if (this.at === hole + stampLength) {
          this.onStamp(this.stampValue)
          this.stampValue = 0
          this.holeIndex += 1
        }
      }
    }
  }

  /** True when the body was the template, all of it and nothing else. */
  get whole() {
    return !this.wrong && this.at === this.template.bytes.length
  }

  /** Events that came whole and right, from the first on. */
  get events() {
    const { eventEnds } = this.template
    let count = 0
    while (count < eventEnds.length && /** @type {number} */ (eventEnds[count]) <= this.at) count += 1
    return count
  }
}
