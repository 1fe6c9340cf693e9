/** The middle value; the mean of the two middle ones for an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper
}

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** One line of the result: what was measured against what, in the same run of the benchmark. */
export interface Result {
  readonly name: string
  /** Milliseconds, or runs per second. */
  readonly ours: number
  readonly baseline: number
  readonly unit: 'ms' | 'runs/s'
  readonly ratio: number
  /** What the project promises itself. */
  readonly target: string
  readonly met: boolean
  readonly samples: number
}
