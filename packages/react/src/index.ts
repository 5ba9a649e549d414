// A live show in React: what a hook shows comes from the client's cache, what it changes goes through its queue.

export { OnairProvider, useClient, type OnairProviderProps } from './provider.js'
export { useConnection, useQueue, useUnsavedGuard, type Queue } from './connection.js'
export { useDocument, useDocumentEntry, useCollection } from './documents.js'
export { shallow, type Equality } from './select.js'
export { useMutation, type Edits, type MutationOptions, type MutationState } from './mutation.js'
export {
  useLifecycle, useIsBroadcasting, useBroadcastState, useHasError, useBroadcastError, useIsTransitioning, useSnapshot,
  type BroadcastState, type Sequence, type Service, type Snapshot, type Transition,
} from './state.js'
export { useBlockers, useCanStart, useCanStop, type Blockers } from './allowed.js'
export { useAction, type Action } from './actions.js'
export { useStreamState, type StreamOptions, type StreamState } from './stream.js'
export { useConflicts, useFindings, type Conflicts, type Findings } from './conflicts.js'
export { useNotifications, type NotificationsState } from './notifications.js'
export { useInteractions, type Interaction, type Interactions } from './interactions.js'
export { usePreview, type Preview, type PreviewOptions } from './preview.js'
export { ErrorBoundary, useErrorHandler, withErrorBoundary, type ErrorBoundaryProps, type FallbackProps } from './boundary.js'
