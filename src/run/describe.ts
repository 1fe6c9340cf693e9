import type { Effect } from './effect.ts'
import type { RunView } from './view.ts'

/** One effect in a line, for operators. */
export function describeEffect(effect: Effect): string {
  const plan = effect.announced ? '' : ', **not in the plan**'
  const verdict = effect.verdict ? `, ${effect.verdict}` : ''
  const changes = effect.diff.map(
    (change) => `${change.path || 'body'}: ${change.before ?? 'nothing'} → ${change.after ?? 'nothing'}`,
  )
  const diff = changes.length > 0 ? ` (${changes.slice(0, 5).join('; ')}${changes.length > 5 ? '; …' : ''})` : ''
  return `${effect.id} \`${effect.request.method} ${effect.request.target}\` on ${effect.request.connector}: ${effect.state}${verdict}${plan}${diff}`
}

/** A run in Markdown, as the Temporal Web UI shows it under "current details". */
export function describeRun(run: RunView): string {
  const lines = [`**${run.phase}** · agent ${run.agent}`, '', `> ${run.request.slice(0, 500).replaceAll('\n', '\n> ')}`]
  const section = (title: string, items: readonly string[]) => {
    if (items.length > 0) lines.push('', `### ${title}`, ...items.map((item) => `- ${item}`))
  }
  section(
    'Plan',
    run.steps.map(
      (step) =>
        `${step.id} (${step.kind}): ${step.purpose} — ${step.state}${step.error ? `: ${step.error.slice(0, 300)}` : ''}`,
    ),
  )
  section('Effects', run.effects.map(describeEffect))
  section(
    'Noticed',
    run.findings.map((finding) => finding.message),
  )
  if (run.decision) {
    const { decision } = run
    lines.push(
      '',
      '### Waiting for a decision',
      decision.question,
      '',
      `Decision \`${decision.id}\`, digest \`${decision.digest}\`, until ${decision.deadline}, then: ${decision.onTimeout}.` +
        (decision.recommended ? ` Recommended: **${decision.recommended}**.` : ''),
    )
    if (decision.kind === 'confirm') {
      lines.push('', `Undo everything: \`temporal workflow signal --workflow-id ${run.id} --name undo\``)
    }
  }
  if (run.undo) {
    lines.push('', '### Undo', `Because: ${run.undo.reason}. Verdict: ${run.undo.verdict ?? 'not known yet'}.`)
    for (const failure of run.undo.failures)
      lines.push(`- NOT UNDONE ${failure.effect}: ${failure.verdict}: ${failure.note}`)
  }
  section('Notices', run.notices)
  if (run.answer !== null) lines.push('', '### Answer', run.answer.slice(0, 2000))
  if (run.reason !== null) lines.push('', '### Reason', run.reason.slice(0, 2000))
  if (run.windowEnds !== null) lines.push('', `Can be undone until ${run.windowEnds}.`)
  return lines.join('\n')
}
