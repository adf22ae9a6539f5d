// Both doors of a tracking-httpd: connect() sends events, subscribe() receives them. The same file serves Node and browsers.
export { Event, Gap, Json } from './data.js';
export {
  TrackingError, RefusedError, UnknownAccountError, InactiveAccountError, UnavailableError, InDoubtError, ClosedError,
} from './errors.js';
export { connect, Service } from './service.js';
export { subscribe, Subscriber } from './subscriber.js';
