/** Shows what setup is doing, on stderr: standard output belongs to the command's own result. */
export interface Progress {
  /**
   * Runs one stage. Shown at once when `estimateSeconds` is above two, otherwise only if it is still running after two
   * seconds: long work shows progress, short work says nothing.
   */
  stage<T>(title: string, options: { estimateSeconds: number }, work: (report: Report) => Promise<T>): Promise<T>
  /** One line that must be seen, such as what is about to be installed. */
  note(line: string): void
}

/** Where the stage is, e.g. `12 of 40 packages`; shown only on a terminal. */
export type Report = (detail: string) => void

export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const QUIET_MS = 2000

/** @param now Milliseconds; for tests. */
export function createProgress(stream: ProgressStream = process.stderr, now: () => number = Date.now): Progress {
  return {
    note: (line) => void stream.write(`${line}\n`),
    stage: async (title, { estimateSeconds }, work) => {
      const began = now()
      let detail = ''
      let shown = false
      const draw = () => {
        const elapsed = Math.round((now() - began) / 1000)
        const estimate = estimateSeconds * 1000 > QUIET_MS ? ` of about ${duration(estimateSeconds)}` : ''
        const line = `… ${title}  ${duration(elapsed)}${estimate}${detail && `  ${detail}`}`
        stream.write(`\r${line.slice(0, (stream.columns ?? 120) - 1)}\u001b[K`)
      }
      const show = () => {
        shown = true
        if (stream.isTTY) draw()
        else
          stream.write(
            `… ${title}${estimateSeconds * 1000 > QUIET_MS ? ` (about ${duration(estimateSeconds)})` : ''}\n`,
          )
      }
      const timer = stream.isTTY
        ? setInterval(() => (shown || now() - began >= QUIET_MS) && show(), 200)
        : setTimeout(show, QUIET_MS)
      timer.unref()
      if (estimateSeconds * 1000 > QUIET_MS) {
        if (!stream.isTTY) clearTimeout(timer)
        show()
      }
      let mark = '✗'
      try {
        const result = await work((text) => {
          detail = text
        })
        mark = '✓'
        return result
      } finally {
        clearInterval(timer)
        if (shown && stream.isTTY) {
          stream.write(`\r${mark} ${title}  ${duration(Math.round((now() - began) / 1000))}\u001b[K\n`)
        }
      }
    },
  }
}

/** Says nothing; for tests and for callers that report by themselves. */
export const silent: Progress = { note: () => undefined, stage: (_title, _options, work) => work(() => undefined) }

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min${seconds % 60 ? ` ${seconds % 60} s` : ''}`
}
