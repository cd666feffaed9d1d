import { defineAsyncComponent, type AsyncComponentLoader, type Component } from 'vue'
import { tellIfMissing } from '@/state/missing'

/** A part of a page whose code comes when it is shown first; people are told if it does not come. */
export function lazy<T extends Component>(loader: AsyncComponentLoader<T>): T {
  return defineAsyncComponent({ loader, onError: tellIfMissing })
}
