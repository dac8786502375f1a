// Applies the theme the reader chose before the first paint. The choice itself is made in src/ui/theme.rs.
try {
  const theme = localStorage.getItem("direct-write.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; the system's theme is used then.
}
