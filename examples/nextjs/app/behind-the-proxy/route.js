// Checks nothing itself: `proxy.js` does.
export const GET = () => Response.json({ welcome: true });
