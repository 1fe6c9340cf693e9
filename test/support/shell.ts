import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Writable } from 'node:stream'

/** A shell as a person has it open: what one command exports, the next one sees. */
export interface Shell extends AsyncDisposable {
  /** Runs one line; resolves when it ended, with its exit code and what it printed, errors included. */
  run(line: string): Promise<{ exit: number; output: string }>
}

const MARK = `done-${process.pid}`

// Commands come by a descriptor of their own, and do not inherit it: none of them can swallow the next one.
const LOOP = `shopt -s expand_aliases; exec 2>&1
while IFS= read -r -u 3 line; do eval "$line" 3<&-; printf '\\n${MARK} %s\\n' "$?"; done`

/** Disposing it ends what it still runs in the background, and waits for that. */
export function openShell(options: { cwd: string; env: Readonly<Record<string, string>> }): Shell {
  const child = spawn('bash', ['--noprofile', '--norc', '-c', LOOP], {
    ...options,
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  const commands = child.stdio[3] as Writable
  const exited = once(child, 'exit')
  let printed = ''
  let seen: () => void = () => undefined
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    seen()
  })
  return {
    async run(line) {
      if (line.includes('\n')) throw new Error(`one line at a time: ${line}`)
      printed = ''
      commands.write(`${line}\n`)
      const end = new RegExp(`\\n${MARK} (\\d+)\\n`)
      for (;;) {
        const match = end.exec(printed)
        if (match) return { exit: Number(match[1]), output: printed.slice(0, match.index) }
        const more = new Promise<void>((resolve) => (seen = resolve))
        const ended = exited.then(() => Promise.reject(new Error(`the shell ended during: ${line}\n${printed}`)))
        await Promise.race([more, ended])
      }
    },
    [Symbol.asyncDispose]: async () => {
      if (child.pid === undefined || child.exitCode !== null) return
      commands.end('kill $(jobs -p) 2>/dev/null; wait\n')
      await exited
    },
  }
}
