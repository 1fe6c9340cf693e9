import { Command, InvalidArgumentError } from 'commander'
import { showError } from './errors.ts'
import { createIo } from './io.ts'
import type { Io } from './io.ts'

/** What every command takes. */
export interface CommonOptions {
  json?: boolean
}

/** What commands that speak to Temporal take. */
export interface ConnectionOptions extends CommonOptions {
  address?: string
  namespace?: string
  taskQueue?: string
}

/** A command with `--json`. */
export function createCommand(name: string, description: string): Command {
  return new Command(name).description(description).option('--json', 'print JSON, and nothing else, on standard output')
}

/** A command that reaches runs through Temporal. */
export function createClientCommand(name: string, description: string): Command {
  return createCommand(name, description)
    .option('--address <host:port>', 'Temporal (default: what "recourse up" started here, else TEMPORAL_ADDRESS)')
    .option('--namespace <name>', 'namespace of Temporal')
    .option('--task-queue <prefix>', 'prefix of the task queues')
}

/** Makes a command's action: what it answers becomes the exit code, what it throws is shown. */
export function action<Args extends unknown[], Options extends CommonOptions>(
  work: (io: Io, options: Options, ...args: Args) => Promise<number>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    // Commander hands over the arguments, then the options, then the command.
    const options = all.at(-2) as Options
    const io = createIo(options.json === true)
    try {
      process.exitCode = await work(io, options, ...(all.slice(0, -2) as Args))
    } catch (error) {
      process.exitCode = reportError(error, io)
    }
  }
}

/** Shows an error where it belongs; answers the exit code. */
export function reportError(error: unknown, io: Pick<Io, 'json' | 'note' | 'result' | 'style'>): number {
  const { exit, ...shown } = showError(error)
  if (io.json) io.result('', { error: shown })
  else io.note(`${io.style('red', 'error:')} ${shown.message}`)
  return exit
}

/** Parses a whole number in a range, for an option. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : NaN
    if (number >= from && number <= to) return number
    throw new InvalidArgumentError(`It must be a whole number from ${from} to ${to}.`)
  }
}
