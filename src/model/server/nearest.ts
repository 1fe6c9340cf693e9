/** The known word closest to a mistyped one, or null where none is close (more than a third of it differs). */
export function toNearest(word: string, known: readonly string[]): string | null {
  let nearest: string | null = null
  let best = Math.max(1, Math.floor(Math.max(word.length, 4) / 3)) + 1
  for (const each of known) {
    const distance = distanceOf(word.toLowerCase(), each.toLowerCase())
    if (distance < best) {
      best = distance
      nearest = each
    }
  }
  return nearest
}

/** Levenshtein's distance. */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
