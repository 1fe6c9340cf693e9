import type { Command } from 'commander'
import { action, createCommand } from '../command.ts'
import type { CommonOptions } from '../command.ts'
import { EXIT } from '../exit-codes.ts'
import { renderChecks } from '../render/checks.ts'

export function doctorCommand(): Command {
  return createCommand('doctor', 'check everything a run needs; change nothing').action(
    action(async (io, _options: CommonOptions) => {
      const [{ readEnvironment }, { diagnose }] = await Promise.all([
        import('../../config/environment.ts'),
        import('../../setup/doctor.ts'),
      ])
      const checks = await diagnose(readEnvironment())
      io.result(renderChecks(checks, io.style), checks)
      return checks.some((check) => check.status === 'fail') ? EXIT.failed : EXIT.well
    }),
  )
}
