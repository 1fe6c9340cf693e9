import { readdirSync, readFileSync } from 'node:fs'
import { Worker, type WorkflowBundle } from '@temporalio/worker'
import { beforeAll, expect, test } from 'vitest'
import { bundleWorkflows } from '../../src/worker/bundle.ts'

/** Runs wait for weeks and outlive the code that started them: every recorded history must replay on today's workflows. */

const folder = new URL('histories/', import.meta.url)
const histories = readdirSync(folder).filter((file) => file.endsWith('.json'))
let bundle: WorkflowBundle

beforeAll(async () => {
  bundle = await bundleWorkflows()
}, 60_000)

test('there are histories to replay', () => {
  expect(histories.length).toBeGreaterThanOrEqual(6)
})

test.each(histories)('%s replays', async (file) => {
  const history: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  await Worker.runReplayHistory({ workflowBundle: bundle }, history)
})

test('a history that took another way does not', async () => {
  const history = JSON.parse(readFileSync(new URL('undone.json', folder), 'utf8')) as {
    events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[]
  }
  const scheduled = history.events.find(
    (event) => event.activityTaskScheduledEventAttributes?.activityType.name === 'closeSession',
  )
  if (scheduled?.activityTaskScheduledEventAttributes)
    scheduled.activityTaskScheduledEventAttributes.activityType.name = 'perform'
  await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history)).rejects.toThrow(/[Nn]ondetermini/)
})
