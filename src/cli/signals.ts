/** Resolves when the process is asked to end; a second time ends it at once. */
export async function untilSignal(): Promise<void> {
  await new Promise<void>((resolve) => {
    const once = () => {
      process.off('SIGINT', once)
      process.off('SIGTERM', once)
      resolve()
    }
    process.on('SIGINT', once)
    process.on('SIGTERM', once)
  })
}
