import { useEffect, useRef, useState } from 'react'
import { Button } from './button.tsx'

/** A line to paste, with the button that copies it. Where the browser forbids copying, the line is selected instead. */
export function CopyLine({ text, label }: { text: string; label: string }) {
  const code = useRef<HTMLElement>(null)
  const [said, setSaid] = useState('')
  useEffect(() => {
    if (said === '') return
    const timer = window.setTimeout(() => setSaid(''), 4000)
    return () => window.clearTimeout(timer)
  }, [said])

  async function copy() {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied')
    } catch {
      // Only pages of a secure context may write to the clipboard.
      if (code.current !== null) window.getSelection()?.selectAllChildren(code.current)
      setSaid('Selected: press Ctrl-C')
    }
  }
  return (
    <div className="flex flex-wrap items-stretch gap-2">
      <code
        ref={code}
        className="min-w-0 flex-1 basis-64 rounded-sm border border-line bg-inset px-3 py-1.5 font-mono text-[0.8125rem] leading-5 break-all"
      >
        {text}
      </code>
      <Button onClick={() => void copy()} aria-label={`Copy ${label}`}>
        {said || 'Copy'}
      </Button>
      <span className="sr-only" role="status">
        {said}
      </span>
    </div>
  )
}
