import { createInterface } from 'node:readline/promises'
import { createStyle } from './render/style.ts'
import type { Style } from './render/style.ts'

/** Where a command writes. With `--json` standard output holds one JSON value and nothing else. */
export interface Io {
  readonly json: boolean
  readonly style: Style
  /** True: a person watches, so progress is worth showing. */
  readonly interactive: boolean
  /** The command's result: text for people, or the value that it stands for. */
  result(text: string, value: unknown): void
  /** A line beside the result, on standard error. */
  note(line: string): void
  /** null: nobody is there to ask. */
  readonly ask: ((question: string) => Promise<boolean>) | null
}

export function createIo(json: boolean): Io {
  // https://no-color.org; Node's own test of the stream knows about terminals without colour.
  const colour = !json && process.stdout.isTTY === true && process.stdout.hasColors()
  const interactive = process.stdin.isTTY === true && process.stderr.isTTY === true
  return {
    json,
    style: createStyle(colour),
    interactive,
    result: (text, value) => {
      process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text === '' ? '' : `${text}\n`)
    },
    note: (line) => {
      process.stderr.write(`${line}\n`)
    },
    ask: interactive && !json ? ask : null,
  }
}

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim())
  } finally {
    terminal.close()
  }
}
