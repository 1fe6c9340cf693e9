import { indent, oneLine, plain, table } from '../../src/cli/render/text.ts'
import { worstVerdict } from '../../src/run/verdict.ts'
import type { Outcome } from './outcome.ts'

/** The clumsy case, told: what was planned, what was done, what was noticed, the kill, and what was read back. */
export function tellStory({ run, killed }: Outcome): string {
  const lines = [`Request: ${run.request}`, '', 'Planned']
  for (const step of run.plan?.steps ?? []) {
    lines.push(`  ${step.id}: ${oneLine(step.purpose)}`)
    if (step.kind !== 'code') continue
    for (const { connector, routes } of step.announce) lines.push(`    announces ${routes.join(', ')} on ${connector}`)
  }
  lines.push('', 'Done')
  for (const effect of run.effects) {
    const { method, target, connector } = effect.request
    lines.push(`  ${effect.id} ${method} ${target} on ${connector}`)
    for (const change of effect.diff)
      lines.push(`    ${change.path}: ${change.before ?? 'nothing'} -> ${change.after ?? 'nothing'}`)
    if (!effect.announced) lines.push('    not in the plan')
  }
  lines.push('', 'Noticed, from the effects alone', ...run.findings.map((finding) => `  ${finding.message}`))
  if (killed) lines.push('', `The worker was killed (SIGKILL) ${killed}, and started again.`)
  lines.push('', 'Read back')
  for (const effect of run.effects)
    lines.push(`  ${effect.id}: ${effect.verdict ?? effect.state}: ${effect.note ?? ''}`)
  return plain(lines.join('\n'))
}

export function tabulate(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ name, example, run, ms }) => [
    oneLine(example === 'support-desk' ? run.request : `${name}: ${run.request}`, 58),
    oneLine(example === 'support-desk' ? (run.answer ?? '') : run.phase, 44),
    String(run.effects.length),
    worstVerdict(run.effects.flatMap(({ verdict }) => verdict ?? [])) ?? '-',
    `${(ms / 1000).toFixed(1)} s`,
  ])
  return table([['request', 'outcome', 'effects', 'verdict', 'time'], ...rows])
}

export function listDeviations(outcomes: readonly Outcome[]): string {
  const bad = outcomes.filter(({ deviations }) => deviations.length > 0)
  return bad.map(({ name, deviations }) => `NOT AS EXPECTED: ${name}\n${indent(deviations.join('\n'))}`).join('\n')
}
