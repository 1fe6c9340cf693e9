import { readFile } from 'node:fs/promises'
import { CommanderError, Command } from 'commander'
import { reportError } from './command.ts'
import { coverageCommand } from './commands/coverage.ts'
import { decisionCommands } from './commands/decisions.ts'
import { diffCommand } from './commands/diff.ts'
import { doctorCommand } from './commands/doctor.ts'
import { downCommand } from './commands/down.ts'
import { modelServerCommand } from './commands/model-server.ts'
import { reportCommand } from './commands/report.ts'
import { runCommand } from './commands/run.ts'
import { runsCommand } from './commands/runs.ts'
import { showCommand } from './commands/show.ts'
import { undoCommand } from './commands/undo.ts'
import { upCommand } from './commands/up.ts'
import { workerCommand } from './commands/worker.ts'
import { cancelCommand } from './commands/cancel.ts'
import { UsageError } from './errors.ts'
import { EXIT } from './exit-codes.ts'
import { createIo } from './io.ts'
import { packageRoot } from '../setup/package-root.ts'

const EXIT_CODES = `
Exit codes: 0 settled well, 1 failed, 2 usage, 3 undone, 4 waiting for a decision, 5 needs attention.`

/**
 * Runs a command line. Everything heavy is loaded by the command that needs it.
 * @param argv Without the paths of Node and the script.
 * @returns The exit code.
 */
export async function runCli(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json')
  const program = new Command('recourse')
    .description('Agents that act on real systems, and can take it back.')
    .version(await readVersion(), '--version')
    .addHelpText('after', EXIT_CODES)
    .helpCommand(false)
  const commands = createCommands()
  for (const command of commands) program.addCommand(command)
  for (const command of [program, ...commands]) {
    command.exitOverride().configureOutput({
      // With --json the error is shown below, as JSON.
      writeErr: (text) => void (json || process.stderr.write(text)),
    })
    command.showHelpAfterError(`(see: recourse ${command === program ? '' : `${command.name()} `}--help)`)
  }
  if (argv.length === 0) {
    program.outputHelp()
    return EXIT.usage
  }
  process.exitCode = EXIT.well
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportError(error, createIo(json))
    if (error.exitCode === 0) return EXIT.well
    if (json) reportError(new UsageError(error.message.replace(/^error: /, '')), createIo(json))
    return EXIT.usage
  }
  return Number(process.exitCode)
}

/** Every command, in the order of the help. */
export function createCommands(): Command[] {
  return [
    upCommand(),
    downCommand(),
    runCommand(),
    runsCommand(),
    showCommand(),
    reportCommand(),
    diffCommand(),
    ...decisionCommands(),
    undoCommand(),
    cancelCommand(),
    doctorCommand(),
    coverageCommand(),
    modelServerCommand(),
    workerCommand(),
  ]
}

async function readVersion(): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(`${packageRoot}/package.json`, 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}
