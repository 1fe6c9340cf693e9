import { z } from 'zod'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number of milliseconds, or a number with a unit: `500ms`, `90s`, `15m`, `2h`, `7d`. */
export type DurationInput = number | `${number}${keyof typeof UNITS}`

const TEXT = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
// A hundred years: far beyond any use, and far below what a timestamp can hold.
const LONGEST_MS = 100 * 365 * UNITS.d

/** Milliseconds, or undefined for what is not a duration. */
export function toMilliseconds(value: unknown): number | undefined {
  const text = typeof value === 'string' ? TEXT.exec(value) : null
  const ms = typeof value === 'number' ? value : text ? Number(text[1]) * UNITS[text[2] as keyof typeof UNITS] : NaN
  return ms >= 0 && ms <= LONGEST_MS ? Math.round(ms) : undefined
}

/** Parses a `DurationInput` into milliseconds. */
export const Duration = z
  .custom<DurationInput>((value) => toMilliseconds(value) !== undefined, {
    error: (issue) =>
      `${JSON.stringify(issue.input) ?? typeof issue.input} is not a duration; write milliseconds, or text such as '500ms', '90s', '15m', '2h', '7d'`,
  })
  .transform((value) => toMilliseconds(value) ?? 0)
