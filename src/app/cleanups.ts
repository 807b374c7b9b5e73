/** What was opened is closed last in, first out, each step at most once, and none keeps the others from running. */
export class Cleanups {
  readonly #steps: { readonly name: string; readonly run: () => unknown }[] = []

  add(name: string, run: () => unknown): void {
    this.#steps.push({ name, run })
  }

  /** Runs all; returns what failed. */
  async run(): Promise<readonly { readonly name: string; readonly error: unknown }[]> {
    const failed: { name: string; error: unknown }[] = []
    for (const { name, run } of this.#steps.splice(0).reverse()) {
      try {
        await run()
      } catch (error) {
        failed.push({ name, error })
      }
    }
    return failed
  }
}
