interface SelectProps {
  label: string
  value: string | undefined
  /** What stands for no choice, e.g. "All domains". */
  all: string
  options: readonly string[]
  onChange: (value: string | undefined) => void
}

/** A filter with many values. A value that is set but not offered (any more) stays visible, else it could not be undone. */
export function Select({ label, value, all, options, onChange }: SelectProps) {
  const offered = value === undefined || options.includes(value) ? options : [value, ...options]
  return (
    <select
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value || undefined)}
      className={`min-h-8 max-w-48 rounded-sm border bg-panel px-1.5 text-sm ${value === undefined ? 'border-line' : 'border-brass'}`}
    >
      <option value="">{all}</option>
      {offered.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </select>
  )
}
