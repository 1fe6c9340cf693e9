export { agentRun } from './agent-run.ts'
export { undoWindow } from './undo-window.ts'
