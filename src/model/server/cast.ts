import type { ScriptEntry } from './script.ts'
import { toMatcher } from './script.ts'

/** Who answers next: the entries of a script and how often each was used. */
export interface Cast {
  /**
   * The first unused entry of the role whose `when` fits the first or the last user message, and marks it used; null:
   * none. Synchronous, so that of two requests at the same moment only one gets an entry's last use.
   */
  take(role: string, first: string, last: string): { entry: ScriptEntry; index: number } | null
  /** Entries that still have uses, by role. */
  left(): Record<string, number>
}

export function createCast(entries: readonly ScriptEntry[]): Cast {
  const parts = entries.map((entry, index) => ({ entry, index, left: entry.times, fits: toMatcher(entry.when) }))
  return {
    take(role, first, last) {
      const part = parts.find(
        (each) => each.entry.role === role && each.left > 0 && (each.fits(first) || each.fits(last)),
      )
      if (!part) return null
      part.left--
      return { entry: part.entry, index: part.index }
    },
    left() {
      const left: Record<string, number> = {}
      for (const each of parts) if (each.left > 0) left[each.entry.role] = (left[each.entry.role] ?? 0) + 1
      return left
    },
  }
}
