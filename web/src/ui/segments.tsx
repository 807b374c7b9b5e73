import { useId } from 'react'

interface SegmentsProps<Value extends string> {
  label: string
  value: Value
  options: readonly { readonly value: Value; readonly text: string; readonly name?: string }[]
  onChange: (value: Value) => void
  className?: string
}

/** One of a few, all in sight: radio buttons that look like a row of lever plates. */
export function Segments<Value extends string>({
  label,
  value,
  options,
  onChange,
  className = '',
}: SegmentsProps<Value>) {
  const name = useId()
  return (
    <fieldset className={`inline-flex min-w-0 rounded-sm border border-line bg-inset p-0.5 ${className}`}>
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className="relative flex min-h-7 items-center rounded-[2px] px-2.5 text-sm text-soft has-checked:bg-brass-ground has-checked:font-medium has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-offset-1 has-focus-visible:outline-brass hover:text-ink"
        >
          <input
            type="radio"
            name={name}
            className="absolute inset-0 cursor-pointer opacity-0"
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            aria-label={option.name ?? option.text}
          />
          {option.text}
        </label>
      ))}
    </fieldset>
  )
}
