/* The steps of ballot.pml: one inline each, its guard first. */
#include "order.pml"

#if BIDS == 2
#define EACH_BID(F) F(0) F(1)
#define OTHERS_BELIEVE(b) (bid[1 - (b)].belief != 0)
#elif BIDS == 3
#define EACH_BID(F) F(0) F(1) F(2)
#define OTHERS_BELIEVE(b) (bid[((b) + 1) % 3].belief != 0 || bid[((b) + 2) % 3].belief != 0)
#else
#define EACH_BID(F) F(0) F(1) F(2) F(3)
#define OTHERS_BELIEVE(b) \
  (bid[((b) + 1) % 4].belief != 0 || bid[((b) + 2) % 4].belief != 0 || bid[((b) + 3) % 4].belief != 0)
#endif

#define QUORUM(bits, place) \
  (((node[0].bits >> (place)) & 1) + ((node[1].bits >> (place)) & 1) + ((node[2].bits >> (place)) & 1) >= 2)

#ifdef BREAK_NO_WINDOW
#define IN_WINDOW(t) true
#else
#define IN_WINDOW(t) ((t) <= now + WINDOW && (t) + WINDOW >= now)
#endif
#ifdef BREAK_NO_BALLOT
#define ABOVE_BALLOT(t, n) true
#else
#define ABOVE_BALLOT(t, n) ((t) > node[n].ballot)
#endif
#ifdef BREAK_ANY_BALLOT_REPAIR
#define SAME_BALLOT(n, s) true
#else
#define SAME_BALLOT(n, s) (node[n].ballot == round[s].read)
#endif
#ifdef BREAK_REPAIR_WITHOUT_QUORUM
#define MAY_REPAIR(s) true
#else
#define MAY_REPAIR(s) round[s].counted
#endif

/* ---- time ---- */

inline lapseNode(n) {
  if
  :: node[n].lock != FREE && node[n].until <= now -> node[n].lock = FREE; node[n].until = 0
  :: else
  fi;
  if
  :: node[n].barred <= now -> node[n].barred = 0
  :: else
  fi
}

inline forgetAnswers(s) {
  node[0].extended = node[0].extended & ~(1 << (s));
  node[1].extended = node[1].extended & ~(1 << (s));
  node[2].extended = node[2].extended & ~(1 << (s));
  node[0].missing = node[0].missing & ~(1 << (s));
  node[1].missing = node[1].missing & ~(1 << (s));
  node[2].missing = node[2].missing & ~(1 << (s));
  round[s].read = 0;
  round[s].counted = 0
}

/* An extension decided later than this would be for a time that is over. */
inline lapseRound(s) {
  if
  :: round[s].since != 0 && round[s].since + TTL <= now -> round[s].since = 0; forgetAnswers(s)
  :: else
  fi
}

inline forgetAccepts(b) {
  node[0].accepted = node[0].accepted & ~(1 << (b));
  node[1].accepted = node[1].accepted & ~(1 << (b));
  node[2].accepted = node[2].accepted & ~(1 << (b))
}

inline lapseBid(b) {
  if
  :: bid[b].belief != 0 && bid[b].belief <= now ->
    bid[b].belief = 0;
    printf("@ the client of bid %d no longer believes: its deadline has passed\n", (b) + 1)
  :: else
  fi;
  if
  :: bid[b].until != 0 && bid[b].until <= now ->
    bid[b].until = 0;
    if
    :: bid[b].state == OPEN -> bid[b].state = FAILED; forgetAccepts(b)
    :: else
    fi
  :: else
  fi
}

#define LAPSE(b) lapseBid(b);

inline tick() {
  d_step {
    now < HORIZON ->
    now++;
    printf("@ time is %d\n", now);
    EACH_BID(LAPSE)
#if ROUNDS > 0
    lapseRound(0);
    lapseRound(1);
#endif
    lapseNode(0);
    lapseNode(1);
    lapseNode(2);
    settle()
  }
}

inline wipe(n) {
  d_step {
    wipes < WIPES ->
    wipes++;
    node[n].lock = FREE;
    node[n].until = 0;
#ifdef BREAK_COPY_BALLOTS
    node[n].ballot = (node[(n + 1) % 3].ballot > node[(n + 2) % 3].ballot -> node[(n + 1) % 3].ballot : node[(n + 2) % 3].ballot);
    node[n].barred = 0;
    printf("@ node %d restarts empty, copies the ballot %d from the others and votes\n", name[n], node[n].ballot);
#else
    node[n].ballot = 0;
    node[n].barred = (QUARANTINE == 0 -> 0 : CAPPED(now + QUARANTINE));
    if
    :: node[n].barred == 0 -> printf("@ node %d restarts empty and votes at once\n", name[n])
    :: else -> printf("@ node %d restarts empty; it accepts nothing until %d\n", name[n], now + QUARANTINE)
    fi;
#endif
    settle()
  }
}

/* ---- servers and clients ---- */

/* They begin in the order of their numbers, but for the first, where that is unlike the others. */
#define BEFORE(b) ((b) == 0 || ((b) == 1 && ROUNDS > 0) || bid[(b) - ((b) > 0)].token != 0)

/* Bid b begins with token t; a > 0: it is handed on by the holder of bid a - 1, which has released. */
inline begin(b, t, a) {
  d_step {
    bid[b].token == 0 && BEFORE(b) && (t) > 0 &&
      ((a) == 0 || bid[(a) - ((a) > 0)].released) ->
    bid[b].token = t;
    bid[b].from = a;
    bid[b].until = CAPPED(now + TTL);
    if
    :: (a) == 0 -> printf("@ a server makes bid %d with token %d, and asks all nodes\n", (b) + 1, t)
    :: else -> printf("@ a server makes bid %d with token %d, to be handed on by bid %d, and asks all nodes\n", (b) + 1, t, a)
    fi;
    settle()
  }
}

/* The client hears that it holds it, or until when. */
inline believe(b, end) {
  if
  :: bid[b].heard -> printf("@ the client of bid %d hears that its lease is extended until %d\n", (b) + 1, end)
  :: else ->
    printf("@ the client of bid %d hears that it has the lease, with token %d, until %d\n", (b) + 1, bid[b].token, end)
  fi;
  if
  :: !bid[b].heard && bid[b].token <= highest ->
    printf("@ VIOLATED: token %d is granted after token %d was\n", bid[b].token, highest);
    assert(false)
  :: else
  fi;
  if
  :: OTHERS_BELIEVE(b) ->
    printf("@ VIOLATED: two clients believe that they hold it\n");
    assert(false)
  :: else
  fi;
  bid[b].heard = 1;
  highest = (bid[b].token > highest -> bid[b].token : highest);
  bid[b].belief = end
}

inline grant(b) {
  d_step {
    bid[b].state == OPEN && bid[b].until > now && QUORUM(accepted, b) ->
    bid[b].state = GRANTED;
    forgetAccepts(b);
    printf("@ its server has two accepts of bid %d and grants it\n", (b) + 1);
    settle()
  }
}

inline giveUp(b) {
  d_step {
    bid[b].token != 0 && bid[b].state == OPEN ->
    bid[b].state = FAILED;
    bid[b].until = 0;
    forgetAccepts(b);
    printf("@ its server gives up bid %d, and tells all nodes to abort it\n", (b) + 1);
    settle()
  }
}

inline hear(b) {
  d_step {
    bid[b].state == GRANTED && !bid[b].moved && !bid[b].released && bid[b].until > now &&
      bid[b].belief < bid[b].until && (!bid[b].heard || bid[b].belief > 0) ->
#ifdef BREAK_DEADLINE_FROM_ANSWER
    believe(b, CAPPED(now + TTL));
#else
    believe(b, bid[b].until);
#endif
    settle()
  }
}

inline letGo(b) {
  d_step {
    bid[b].belief > 0 ->
    bid[b].released = 1;
    bid[b].belief = 0;
    printf("@ the client of bid %d releases it, and its server tells all nodes\n", (b) + 1);
    settle()
  }
}

/* ---- the lease that is kept: that of the first bid ---- */

/* Its client has lost its server and resumes at a second one; the first one knows nothing of that. */
inline move() {
  d_step {
    KEPT.token != 0 && !KEPT.moved && !KEPT.released && (UNHEARD && !KEPT.heard || KEPT.belief > 0) ->
    KEPT.moved = 1;
    printf("@ the client of bid 1 goes on at a second server\n");
#ifdef BREAK_FREED_WHEN_STREAM_ENDS
    if
    :: KEPT.state == GRANTED ->
      KEPT.state = FAILED;
      KEPT.until = 0;
      printf("@ the first server of bid 1 frees it, since its stream has ended\n")
    :: else
    fi;
#endif
    settle()
  }
}

inline freeEarly() {
  d_step {
    KEPT.state == GRANTED && KEPT.moved && KEPT.until == 0 ->
    KEPT.state = FAILED;
    printf("@ the first server of bid 1 frees it at the deadline that it knows\n");
    settle()
  }
}

#define FIRST_SERVES (KEPT.state == GRANTED && KEPT.until > now && (!KEPT.released || KEPT.moved))
#define SECOND_SERVES (KEPT.moved && !KEPT.released)
#define SERVES(s) ((s) == 0 && FIRST_SERVES || (s) == 1 && SECOND_SERVES)

inline ask(s) {
  d_step {
    SERVES(s) && round[s].used < ROUNDS && round[s].since != now ->
    round[s].used++;
    round[s].since = now;
    forgetAnswers(s);
    if
    :: (s) == 0 -> printf("@ the server of bid 1 asks all nodes to extend it\n")
    :: else -> printf("@ the second server of bid 1 asks all nodes to adopt it\n")
    fi;
    settle()
  }
}

/* A server that has the quorum counts it, and has the third node repaired. */
inline count(s) {
  d_step {
    round[s].since != 0 && !round[s].counted && QUORUM(extended, s) && ((s) == 1 || KEPT.state == GRANTED) ->
    round[s].counted = 1;
    if
    :: (s) == 0 ->
      KEPT.until = CAPPED(round[0].since + TTL);
      printf("@ the server of bid 1 has two nodes that extended it\n")
    :: else -> printf("@ the second server of bid 1 has two nodes that adopted it\n")
    fi;
    settle()
  }
}

inline hearAdopted() {
  d_step {
    SECOND_SERVES && round[1].since != 0 && round[1].counted && (!KEPT.heard || KEPT.belief > 0) &&
      KEPT.belief < CAPPED(round[1].since + TTL) ->
    believe(0, CAPPED(round[1].since + TTL));
    settle()
  }
}

/* ---- scripts: message of a bid, at a node ---- */

inline accept(b, n) {
  node[n].lock = VALUE(b);
  node[n].until = CAPPED(now + TTL);
  if
  :: bid[b].state == OPEN -> node[n].accepted = node[n].accepted | (1 << (b))
  :: else
  fi
}

#define HANDED_ON(b, n) (bid[b].from != 0 && node[n].lock != FREE && BID_OF(node[n].lock) == bid[b].from)

inline acquire(b, n) {
  d_step {
    bid[b].token != 0 && node[n].barred == 0 && IN_WINDOW(bid[b].token) && ABOVE_BALLOT(bid[b].token, n) &&
      (node[n].lock == FREE || HANDED_ON(b, n)) ->
    node[n].ballot = bid[b].token;
    accept(b, n);
    printf("@ node %d accepts bid %d: its ballot is %d now\n", name[n], (b) + 1, bid[b].token);
    settle()
  }
}

#ifdef BREAK_ACQUIRE_ADOPTS
/* A bid that was given up is one of the same request. */
inline acquireAdopts(b, a, n) {
  d_step {
    bid[b].token != 0 && node[n].lock == VALUE(a) && bid[a].state == FAILED &&
      bid[a].token < bid[b].token ->
    accept(b, n);
    printf("@ node %d has bid %d, of the same request: it takes that for an accept of bid %d; its ballot stays %d\n",
      name[n], (a) + 1, (b) + 1, node[n].ballot);
    settle()
  }
}
#endif

#ifdef BREAK_RELEASE_ANYBODY
#define MINE(b, n) (node[n].lock != FREE)
#else
#define MINE(b, n) (node[n].lock == VALUE(b) || ((b) == 0 && KEPT.released && KEPT.moved && node[n].lock == ADOPTED))
#endif
#define TOMBSTONE(b) (bid[b].token < now + WINDOW -> bid[b].token + 1 : now + WINDOW)

/* Release or abort. */
inline release(b, n) {
  d_step {
    (bid[b].released || (bid[b].token != 0 && bid[b].state == FAILED)) &&
      (MINE(b, n) || node[n].ballot < TOMBSTONE(b)) ->
    if
    :: MINE(b, n) ->
      printf("@ node %d is told that bid %d is over, and deletes bid %d\n", name[n], (b) + 1, BID_OF(node[n].lock));
      node[n].lock = FREE;
      node[n].until = 0
    :: else ->
#ifndef BREAK_NO_TOMBSTONE
      node[n].ballot = TOMBSTONE(b);
      printf("@ node %d is told that bid %d is over, which it has not: its ballot is %d now\n", name[n], (b) + 1, node[n].ballot);
#endif
      skip
    fi;
    settle()
  }
}

#ifdef BREAK_EXTENSION_CREATES
#define EXTENSION_CREATES true
#else
#define EXTENSION_CREATES false
#endif
#define SECRET_OF(s) ((s) == 0 -> VALUE(0) : ADOPTED)
#define PRESENTED(s, n) (node[n].lock == VALUE(0) || ((s) == 1 && node[n].lock == ADOPTED))
#define ANSWERED(has, s, n) ((node[n].has >> (s)) & 1)
#define NOBODY_MISSES(s) (!ANSWERED(missing, s, 0) && !ANSWERED(missing, s, 1) && !ANSWERED(missing, s, 2))
/* Two of three nodes must have it before the third is repaired: of those that miss it, one is enough to remember. */
#ifdef BREAK_REPAIR_WITHOUT_QUORUM
#define REMEMBERED(s, n) (NOBODY_MISSES(s) || round[s].read == node[n].ballot)
#else
#define REMEMBERED(s, n) NOBODY_MISSES(s)
#endif
#define MISSED(s, n) \
  (node[n].lock == FREE && round[s].since != 0 && !ANSWERED(extended, s, n) && (EXTENSION_CREATES || REPAIR && REMEMBERED(s, n)))

/* Extension (s is 0) or adoption; a node's first answer counts, while the round lasts. */
inline extend(s, n) {
  d_step {
    (round[s].since != 0 || (STALE && round[s].used > 0)) && (PRESENTED(s, n) || MISSED(s, n)) ->
    if
    :: PRESENTED(s, n) || EXTENSION_CREATES ->
      if
      :: node[n].lock == FREE -> printf("@ node %d misses bid 1, and creates it again\n", name[n])
      :: node[n].lock != FREE && (s) == 0 -> printf("@ node %d extends bid 1\n", name[n])
      :: else -> printf("@ node %d adopts bid 1 for its second server\n", name[n])
      fi;
      node[n].lock = SECRET_OF(s);
      node[n].until = CAPPED(now + TTL);
      if
      :: round[s].since != 0 && !ANSWERED(missing, s, n) -> node[n].extended = node[n].extended | (1 << (s))
      :: else
      fi
    :: else ->
      node[n].missing = node[n].missing | (1 << (s));
      round[s].read = node[n].ballot;
      printf("@ node %d says that it misses bid 1, and that its ballot is %d\n", name[n], node[n].ballot)
    fi;
    settle()
  }
}

inline repair(s, n) {
  d_step {
    REPAIR && round[s].since != 0 && ANSWERED(missing, s, n) && MAY_REPAIR(s) &&
      node[n].lock == FREE && SAME_BALLOT(n, s) ->
    node[n].lock = SECRET_OF(s);
    node[n].until = CAPPED(round[s].since + TTL);
    node[n].ballot = (KEPT.token > node[n].ballot -> KEPT.token : node[n].ballot);
    printf("@ node %d is repaired: it has bid 1 again, its ballot is %d\n", name[n], node[n].ballot);
    settle()
  }
}

/* ---- all of them ---- */

#define AT_EACH_NODE(STEP, which) :: STEP(which, 0) :: STEP(which, 1) :: STEP(which, 2)

/* The token is the time of the server, whose clock may differ. */
#if SKEW
#define BEGIN(b, a) :: begin(b, now - 1, a) :: begin(b, now, a) :: begin(b, now + 1, a)
#else
#define BEGIN(b, a) :: begin(b, now, a)
#endif
#if HANDOFFS
#if BIDS == 2
#define BEGINNINGS(b) BEGIN(b, 0) BEGIN(b, 2 - (b))
#else
#define BEGINNINGS(b) BEGIN(b, 0) BEGIN(b, ((b) + 1) % BIDS + 1) BEGIN(b, ((b) + 2) % BIDS + 1)
#endif
#else
#define BEGINNINGS(b) BEGIN(b, 0)
#endif

#if ROUNDS > 0
#define KEEPING :: ask(0) :: count(0) AT_EACH_NODE(extend, 0) AT_EACH_NODE(repair, 0)
#else
#define KEEPING
#endif
#if MOVES > 0
#define MOVING :: move() :: ask(1) :: count(1) :: hearAdopted() AT_EACH_NODE(extend, 1) AT_EACH_NODE(repair, 1)
#else
#define MOVING
#endif
#ifdef BREAK_FREED_AT_OWN_DEADLINE
#define FREEING :: freeEarly()
#else
#define FREEING
#endif
#define BIDDING(b) BEGINNINGS(b) :: grant(b) :: giveUp(b) :: hear(b) :: letGo(b)

#ifdef BREAK_ACQUIRE_ADOPTS
#define ADOPT_EARLIER(b) \
  :: acquireAdopts(b, (b) - ((b) > 0), 0) :: acquireAdopts(b, (b) - ((b) > 0), 1) :: acquireAdopts(b, (b) - ((b) > 0), 2)
#else
#define ADOPT_EARLIER(b)
#endif
#define SCRIPTS(b) AT_EACH_NODE(acquire, b) AT_EACH_NODE(release, b) ADOPT_EARLIER(b)
