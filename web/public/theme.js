// Runs before the first paint, as a file because the content policy allows no inline script.
;(() => {
  const wanted = localStorage.getItem('signalbox-theme')
  const dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
})()
