import type { ComponentProps } from 'react'

const kinds = {
  quiet: 'border-line text-ink hover:border-line-strong bg-panel',
  brass: 'border-transparent bg-brass text-panel font-semibold hover:opacity-90',
  board: 'border-on-board-soft/40 text-on-board hover:border-on-board bg-transparent',
} as const

interface ButtonProps extends ComponentProps<'button'> {
  kind?: keyof typeof kinds
}

export function Button({ kind = 'quiet', className = '', ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={`inline-flex min-h-8 items-center gap-1.5 rounded-sm border px-2.5 py-1 text-sm whitespace-nowrap disabled:opacity-60 ${kinds[kind]} ${className}`}
      {...rest}
    />
  )
}
