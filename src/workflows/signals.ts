import { defaultPayloadConverter, RawValue, rawValueTypeInfo } from '@temporalio/common'
import { defineSignal } from '@temporalio/workflow'
import { SIGNALS } from '../run/names.ts'
import { SignalPayload } from '../run/signals.ts'

/**
 * The signals of a run. Their payload is taken raw: what can not be decoded would stop the workflow for ever, and anybody
 * who reaches the namespace may send it. What it means is one thing only, so the definitions are shared.
 */
const raw = { typeInfo: { inputTypes: [rawValueTypeInfo] } }
export const undoSignal = defineSignal<[RawValue?]>(SIGNALS.undo, raw)
export const confirmSignal = defineSignal<[RawValue?]>(SIGNALS.confirm, raw)

/** What a signal says, or why it is ignored: a signal has nobody to answer to, so that becomes a notice. */
export function readSignal(
  name: string,
  value: RawValue | undefined,
): { ok: true; payload: SignalPayload } | { ok: false; notice: string } {
  const ignored = (why: string) => ({ ok: false, notice: `the signal ${name} was ignored: ${why}` }) as const
  let decoded: unknown
  try {
    decoded = value && defaultPayloadConverter.fromPayload(value.payload)
  } catch {
    return ignored('its payload can not be decoded; send JSON')
  }
  const parsed = SignalPayload.safeParse(decoded ?? {})
  if (!parsed.success) return ignored(`its payload is not understood: ${parsed.error.issues[0]?.message ?? ''}`)
  if (parsed.data.effects?.length) {
    return ignored('single effects can not be chosen yet; without "effects" it is for all of them')
  }
  return { ok: true, payload: parsed.data }
}

/** Why a run is undone, in the words of whoever asked. */
export function toAsked(note: string | null | undefined): string {
  return note ? `asked to: ${note}` : 'somebody asked for it'
}
