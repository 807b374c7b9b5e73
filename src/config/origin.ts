/** Where a value came from; each one is what a user has to edit to change it. */
export type Origin =
  | { readonly kind: 'default' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'secret-file'; readonly name: string; readonly file: string }
  | { readonly kind: 'flag'; readonly name: string }

/** For people: a line of a file, a variable, a flag. */
export function describeOrigin(origin: Origin): string {
  switch (origin.kind) {
    case 'default':
      return 'default'
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}`
    case 'environment':
      return `environment variable ${origin.name}`
    case 'secret-file':
      return `${origin.file} (environment variable ${origin.name})`
    case 'flag':
      return `flag ${origin.name}`
  }
}

/** Origins by path. A value inside one that has an origin shares it. */
export class Origins {
  readonly #byPath = new Map<string, Origin>()

  set(path: readonly string[], origin: Origin): void {
    this.#byPath.set(keyOf(path), origin)
  }

  /** Forgets what lies under a path: a stronger source replaced all of it. */
  replace(path: readonly string[], origin: Origin): void {
    const prefix = `${keyOf(path)}\n`
    for (const known of this.#byPath.keys()) if (known.startsWith(prefix)) this.#byPath.delete(known)
    this.set(path, origin)
  }

  /** The origin of the value itself or of the nearest value around it, sections of the file left out. */
  of(path: readonly string[]): Origin {
    return this.#byPath.get(keyOf(path)) ?? { kind: 'default' }
  }

  /** Like `of`, but a missing value is blamed on the nearest section that exists. */
  nearest(path: readonly string[]): Origin {
    for (let length = path.length; length > 0; length--) {
      const origin = this.#byPath.get(keyOf(path.slice(0, length)))
      if (origin !== undefined) return origin
    }
    return { kind: 'default' }
  }
}

const keyOf = (path: readonly string[]): string => path.join('\n')
