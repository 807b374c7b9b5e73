import type { ReactNode } from 'react'
import { type Aspect, Lamp } from './lamp.tsx'

export interface Fact {
  readonly name: string
  /** Null: not known, shown as a dash. */
  readonly value: ReactNode
  readonly aspect?: Aspect | undefined
}

/** Names and values in lines, for figures that need no drawing. */
export function Facts({ facts, label }: { facts: readonly Fact[]; label?: string }) {
  return (
    <dl aria-label={label} className="divide-y divide-line text-sm">
      {facts.map(({ name, value, aspect }) => (
        <div key={name} className="flex items-baseline justify-between gap-4 px-3 py-1.5">
          <dt className="min-w-0 text-soft">{name}</dt>
          <dd className="flex min-w-0 items-baseline gap-1.5 text-right break-words">
            {aspect !== undefined && (
              <span className="translate-y-px">
                <Lamp aspect={aspect} />
              </span>
            )}
            {value ?? <Missing />}
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** Stands where a figure would, when there is none. */
export function Missing() {
  return (
    <>
      <span aria-hidden="true" className="text-soft">
        –
      </span>
      <span className="sr-only">not known</span>
    </>
  )
}
