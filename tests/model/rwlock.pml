/* SPDX-License-Identifier: MIT */
/*
 * The seat of a reader-writer lock (src/sync/rwlock.c), for Spin: two readers,
 * who may die at every step, come to it past the gate and leave it, without a
 * barrier; a writer takes the gate and waits for the seat, twice. The writer
 * always gets in, and with no reader there.
 *
 * A reader's store to the seat may be seen later than what it looks at next: as
 * on x86, where loads of the word are the writer's alone. MEMBARRIER and MARK
 * are what the lock does about it; without either, Spin finds a writer that
 * sleeps on (run.py).
 */
#ifndef MEMBARRIER
#define MEMBARRIER true
#endif
/* FUTEX_WAITERS in the word of who comes past the gate. */
#ifndef MARK
#define MARK true
#endif

/* The seat's word: a tid, 0 nobody; FUTEX_WAITERS, FUTEX_OWNER_DIED. */
byte tid;
bool waiters, died;
bool gate, state; /* taken; a writer waits for readers */
bool asleep;	  /* the writer, on the word */
bool stored[3];	  /* reader i has emptied the seat, and nobody sees it yet */
byte inside;	  /* readers */

inline vacate()
{
	tid = 0;
	waiters = false;
	died = false
}

inline flush(i)
{
	atomic {
		if
		:: stored[i] -> stored[i] = false; vacate()
		:: else
		fi
	}
}

/* What the kernel does for the robust list of reader i. */
inline bury(i)
{
	flush(i);
	atomic {
		if
		:: tid == i ->
			tid = 0;
			died = true;
			if
			:: waiters -> asleep = false
			:: else
			fi
		:: tid == 0 && pending -> asleep = false
		:: else
		fi
	}
}

#define MAY_DIE if :: true :: goto dead fi

inline wake_if(waits)
{
	if
	:: waits -> flush(me); asleep = false
	:: else
	fi
}

/* via_rwlock_unlock() */
inline leave()
{
	pending = true;
	within = false;
	inside--;
	MAY_DIE;
	stored[me] = true;
	MAY_DIE;
	seen = state;
	MAY_DIE;
	wake_if(seen);
	MAY_DIE;
	pending = false
}

/* stand_back(), as far as get_up() */
inline stand_back()
{
	atomic { vacate() };
	MAY_DIE;
	seen = state;
	MAY_DIE;
	wake_if(seen);
	MAY_DIE;
	pending = false
}

proctype reader(byte me)
{
	bool pending, within, seen;
	byte n;

	do
	:: n < 2 ->
		n++;
		pending = true;
		MAY_DIE;
		flush(me); /* a compare-and-swap is a barrier */
		atomic {
			if
			:: tid == 0 && !waiters && !died ->
				tid = me;
				waiters = MARK
			:: else -> pending = false; goto dead /* to queue */
			fi
		};
		MAY_DIE;
		seen = gate;
		MAY_DIE;
		if
		:: seen -> stand_back()
		:: else ->
			atomic { inside++; within = true; pending = false };
			MAY_DIE;
			leave()
		fi
	:: break
	od;
dead:
	if
	:: within -> inside--
	:: else
	fi;
	bury(me)
}

/* Whatever is stored is seen in the end. */
proctype memory()
{
end:
	do
	:: stored[1] -> flush(1)
	:: stored[2] -> flush(2)
	od
}

/* drain() and wait_seat() */
proctype writer()
{
	byte was, n;

	do
	:: n < 2 ->
		n++;
		gate = true;
		if
		:: tid == 0 && !died -> goto alone
		:: else
		fi;
		state = true;
		if
		:: MEMBARRIER -> !stored[1]; !stored[2]
		:: else
		fi;
		do
		:: atomic { tid == 0 && died -> vacate() }
		:: atomic { tid == 0 && !died -> break }
		:: atomic {
			tid && !waiters -> was = tid
		   };
		   atomic {
			if
			:: tid == was -> waiters = true
			:: else
			fi
		   }
		:: atomic { tid && waiters -> was = tid };
		   /* FUTEX_WAIT compares once more. */
		   atomic {
			if
			:: tid == was && waiters -> asleep = true
			:: else
			fi
		   };
		   !asleep
		od;
alone:
		assert(inside == 0);
		state = false;
		gate = false
	:: else -> break
	od
}

init
{
	atomic {
		run reader(1);
		run reader(2);
		run writer();
		run memory()
	}
}
