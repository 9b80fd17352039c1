/* Runs before the page is drawn, so that a chosen theme does not flash. Loaded as it is. */
document.documentElement.classList.add('scripted');
try {
  const theme = localStorage.getItem('qrcast-docs-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden. The system's theme is used then.
}
