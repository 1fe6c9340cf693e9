import type { Effect } from '../../run/effect.ts'
import type { Decision, Phase, RunView } from '../../run/view.ts'
import { notUndone, showChange, showRequest, showState } from './effect.ts'
import type { Style } from './style.ts'
import { indent, oneLine, plain } from './text.ts'

/** A run on a terminal: all that is known about it, for `show`. */
export function renderRun(run: RunView, style: Style): string {
  return join([
    headline(run, style),
    meta(run),
    section('request', plain(run.request), style),
    section('steps', run.steps.map((step) => renderStep(step, style)).join('\n'), style),
    ...happened(run, style),
    section('decided', run.decisions.map(renderDecided).join('\n'), style),
    section('notices', run.notices.map((notice) => oneLine(notice)).join('\n'), style),
    ...ending(run, style),
  ])
}

/** What came of a run, for the commands that wait for it. */
export function renderOutcome(run: RunView, style: Style): string {
  return join([headline(run, style), ...happened(run, style), ...ending(run, style)])
}

/** What is asked, and the exact commands that answer it. */
export function renderDecision(run: RunView, decision: Decision, style: Style): string {
  const id = quote(run.id)
  const bind = `--decision ${decision.id} --digest ${decision.digest}`
  const commands =
    decision.kind === 'approve'
      ? [`recourse approve ${id} ${bind}`, `recourse reject ${id} ${bind}`]
      : [`recourse confirm ${id} ${bind}`, `recourse undo ${id}`]
  const lines = [
    plain(decision.question),
    ...(decision.recommended === null ? [] : [`recommended: ${style('bold', decision.recommended)}`]),
    `until ${decision.deadline}, then: ${decision.onTimeout}`,
    '',
    ...commands,
  ]
  return section(`waiting for a decision (${decision.id})`, lines.join('\n'), style)
}

function headline(run: RunView, style: Style): string {
  return `${style('bold', plain(run.id))}  ${phaseText(run.phase, style)}`
}

function meta(run: RunView): string {
  const { modelCalls, promptTokens, completionTokens } = run.usage
  return [
    `agent ${oneLine(run.agent)}`,
    ...(run.requester === null ? [] : [`for ${oneLine(run.requester)}`]),
    `started ${run.started}`,
    ...(run.settled === null ? [] : [`settled ${run.settled}`]),
    `${modelCalls} model calls, ${promptTokens + completionTokens} tokens`,
  ].join(' · ')
}

function renderStep(step: RunView['steps'][number], style: Style): string {
  const state = step.state === 'failed' ? style('red', step.state) : step.state
  const lines = [`${step.id}  ${step.kind}  ${state}  ${oneLine(step.purpose, 100)}`]
  if (step.error !== null) lines.push(indent(style('red', plain(step.error))))
  for (const finding of step.vetting.filter((each) => each.permission !== 'allow')) {
    lines.push(
      indent(`${finding.permission}: ${finding.line > 0 ? `line ${finding.line}: ` : ''}${oneLine(finding.reason)}`),
    )
  }
  return lines.join('\n')
}

function happened(run: RunView, style: Style): string[] {
  return [
    section('effects', run.effects.map((effect) => renderEffect(effect, style)).join('\n'), style),
    section(
      'noticed',
      run.findings.map((finding) => style('yellow', `! ${oneLine(finding.message)}`)).join('\n'),
      style,
    ),
  ]
}

function renderEffect(effect: Effect, style: Style): string {
  const flag = effect.announced ? '' : `  ${style('yellow', 'not in the plan')}`
  const lines = [`${effect.id}  ${showState(effect)}  ${showRequest(effect)}${flag}`]
  for (const change of effect.diff) lines.push(indent(showChange(change)))
  if (effect.note !== null) lines.push(indent(oneLine(effect.note)))
  return lines.join('\n')
}

function renderDecided(record: RunView['decisions'][number]): string {
  const note = record.note === null ? '' : `: ${oneLine(record.note)}`
  return `${record.id}  ${record.answer} by ${oneLine(record.actor)} at ${record.answered}${note}`
}

function ending(run: RunView, style: Style): string[] {
  const left = notUndone(run).map(({ effect, why }) => style('red', `${effect.id}  ${showRequest(effect)}: ${why}`))
  return [
    run.undo === null ? '' : section('undo', undoText(run), style),
    section('still there', left.join('\n'), style),
    run.reason === null ? '' : section('reason', plain(run.reason), style),
    run.answer === null ? '' : section('answer', plain(run.answer), style),
    run.decision === null ? '' : renderDecision(run, run.decision, style),
    run.phase === 'confirmed' && run.windowEnds !== null
      ? `can be undone until ${run.windowEnds}: recourse undo ${quote(run.id)}`
      : '',
  ]
}

function undoText(run: RunView): string {
  const by = run.undo?.actor ? ` by ${oneLine(run.undo.actor)}` : ''
  return `${oneLine(run.undo?.reason ?? '')}${by}; verdict: ${run.undo?.verdict ?? 'not known yet'}`
}

const COLOURS: Readonly<Record<Phase, Parameters<Style>[0]>> = {
  planning: 'cyan',
  acting: 'cyan',
  waiting: 'yellow',
  confirmed: 'green',
  releasing: 'cyan',
  undoing: 'cyan',
  undone: 'magenta',
  completed: 'green',
  rejected: 'magenta',
  cancelled: 'magenta',
  failed: 'red',
  attention: 'red',
}

export function phaseText(phase: Phase, style: Style): string {
  return style(COLOURS[phase], phase)
}

function section(title: string, body: string, style: Style): string {
  return body === '' ? '' : `${style('dim', title)}\n${indent(body)}`
}

function join(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n')
}

/** As a shell takes it. */
function quote(text: string): string {
  return /^[\w.:@%+,/=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
