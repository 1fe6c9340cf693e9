import type { RunSummary } from '../../client/list.ts'
import type { Style } from './style.ts'
import { phaseText } from './run.ts'
import { oneLine, plain, table } from './text.ts'

/** The list of runs; `filtered` tells an empty answer from an empty installation. */
export function renderRuns(runs: readonly RunSummary[], options: { filtered: boolean }, style: Style): string {
  if (runs.length === 0) {
    return options.filtered ? 'no such runs; see all with: recourse runs' : 'no runs yet: recourse run "<request>"'
  }
  const phases = new Map(runs.map((run) => [run.id, run.phase]))
  const text = table([
    ['ID', 'PHASE', 'AGENT', 'STARTED', 'REQUEST'],
    ...runs.map((run) => [
      plain(run.id),
      `${run.phase ?? 'unknown'}${run.needsDecision ? ' *' : ''}`,
      oneLine(run.agent, 24),
      run.started.replace(/\.\d+Z$/, 'Z'),
      oneLine(run.request, 60),
    ]),
  ])
  // Coloured after aligning: escape codes have no width.
  const lines = text.split('\n').map((line, index) => {
    const phase = phases.get(runs[index - 1]?.id ?? '')
    return phase ? line.replace(` ${phase}`, ` ${phaseText(phase, style)}`) : style('dim', line)
  })
  if (runs.some((run) => run.needsDecision)) lines.push('', '* waits for a decision: recourse show <id>')
  return lines.join('\n')
}
