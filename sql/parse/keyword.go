package parse

import "strings"

// keyword is the number of a word that the grammar knows; 0 means any other word. Words that
// only DDL and utility statements look for are compared as text and are not in the table.
type keyword uint16

const (
	kwNone keyword = iota
	kwAbort
	kwAbsolute
	kwAdd
	kwAdvance
	kwAll
	kwAlter
	kwAlways
	kwAnalyse
	kwAnalyze
	kwAnd
	kwAny
	kwArray
	kwAs
	kwAsc
	kwAsensitive
	kwAssert
	kwAsymmetric
	kwAt
	kwAuthorization
	kwBackward
	kwBegin
	kwBetween
	kwBinary
	kwBoth
	kwBy
	kwCall
	kwCase
	kwCast
	kwChain
	kwChanges
	kwChar
	kwCharacter
	kwCheckpoint
	kwClose
	kwCluster
	kwCollate
	kwCollation
	kwComment
	kwCommit
	kwConflict
	kwConstraint
	kwCopy
	kwCreate
	kwCross
	kwCube
	kwCurrent
	kwCurrentCatalog
	kwCurrentDate
	kwCurrentRole
	kwCurrentSchema
	kwCurrentTime
	kwCurrentTimestamp
	kwCurrentUser
	kwCursor
	kwCycle
	kwDay
	kwDays
	kwDeallocate
	kwDec
	kwDecimal
	kwDeclare
	kwDefault
	kwDefine
	kwDelete
	kwDesc
	kwDescribe
	kwDiscard
	kwDistinct
	kwDo
	kwDouble
	kwDrop
	kwEarliest
	kwElse
	kwEmit
	kwEnd
	kwEpoch
	kwEscape
	kwExcept
	kwExclude
	kwExecute
	kwExists
	kwExplain
	kwExtract
	kwFalse
	kwFetch
	kwFilter
	kwFinal
	kwFirst
	kwFloat
	kwFlush
	kwFollowing
	kwFor
	kwFormat
	kwForward
	kwFrom
	kwFull
	kwFunction
	kwGrace
	kwGrant
	kwGroup
	kwGrouping
	kwGroups
	kwHaving
	kwHold
	kwHopping
	kwHour
	kwHours
	kwIf
	kwIgnore
	kwIlike
	kwImport
	kwIn
	kwInner
	kwInsensitive
	kwInsert
	kwIntersect
	kwInterval
	kwInto
	kwIs
	kwIsnull
	kwJoin
	kwKey
	kwLast
	kwLateral
	kwLatest
	kwLeading
	kwLeft
	kwLike
	kwLimit
	kwList
	kwListen
	kwLoad
	kwLocaltime
	kwLocaltimestamp
	kwLock
	kwMap
	kwMaterialized
	kwMerge
	kwMillisecond
	kwMilliseconds
	kwMinute
	kwMinutes
	kwMonth
	kwMonths
	kwMove
	kwNational
	kwNatural
	kwNchar
	kwNext
	kwNo
	kwNormalize
	kwNormalized
	kwNot
	kwNothing
	kwNotify
	kwNotnull
	kwNull
	kwNulls
	kwOf
	kwOffset
	kwOn
	kwOnly
	kwOperator
	kwOr
	kwOrder
	kwOrdinality
	kwOthers
	kwOuter
	kwOver
	kwOverlaps
	kwOverlay
	kwOverriding
	kwPartition
	kwPause
	kwPeriod
	kwPlacing
	kwPosition
	kwPreceding
	kwPrecision
	kwPrepare
	kwPrimary
	kwPrint
	kwPrior
	kwQualify
	kwRange
	kwReassign
	kwRecursive
	kwRefresh
	kwReindex
	kwRelative
	kwRelease
	kwRename
	kwRepeatable
	kwReplace
	kwReset
	kwRespect
	kwResume
	kwRetention
	kwReturning
	kwRevoke
	kwRight
	kwRollback
	kwRow
	kwRows
	kwRun
	kwSavepoint
	kwScroll
	kwSearch
	kwSecond
	kwSeconds
	kwSecurity
	kwSelect
	kwSession
	kwSessionUser
	kwSet
	kwSets
	kwShare
	kwShow
	kwSimilar
	kwSize
	kwSome
	kwStart
	kwStruct
	kwSubscribe
	kwSubstring
	kwSymmetric
	kwSystemTime
	kwTable
	kwTablesample
	kwTemp
	kwTemporary
	kwTerminate
	kwThen
	kwTies
	kwTime
	kwTimestamp
	kwTo
	kwTrailing
	kwTreat
	kwTrim
	kwTrue
	kwTruncate
	kwTumbling
	kwUescape
	kwUnbounded
	kwUndefine
	kwUnion
	kwUnique
	kwUnknown
	kwUnlisten
	kwUnset
	kwUpdate
	kwUser
	kwUsing
	kwVacuum
	kwValues
	kwVariadic
	kwVarying
	kwWeek
	kwWeeks
	kwWhen
	kwWhere
	kwWindow
	kwWith
	kwWithin
	kwWithout
	kwYear
	kwYears
	kwZone
	kwCount
)

// keywordText spells the keywords in the order of their numbers.
const keywordText = `
abort absolute add advance all alter always analyse analyze and any array as asc
asensitive assert asymmetric at authorization backward begin between binary both by call
case cast chain changes char character checkpoint close cluster collate collation
comment commit conflict constraint copy create cross cube current current_catalog
current_date current_role current_schema current_time current_timestamp current_user
cursor cycle day days deallocate dec decimal declare default define delete desc describe
discard distinct do double drop earliest else emit end epoch escape except exclude
execute exists explain extract false fetch filter final first float flush following for
format forward from full function grace grant group grouping groups having hold hopping
hour hours if ignore ilike import in inner insensitive insert intersect interval into is
isnull join key last lateral latest leading left like limit list listen load localtime
localtimestamp lock map materialized merge millisecond milliseconds minute minutes month
months move national natural nchar next no normalize normalized not nothing notify
notnull null nulls of offset on only operator or order ordinality others outer over
overlaps overlay overriding partition pause period placing position preceding precision
prepare primary print prior qualify range reassign recursive refresh reindex relative
release rename repeatable replace reset respect resume retention returning revoke right
rollback row rows run savepoint scroll search second seconds security select session
session_user set sets share show similar size some start struct subscribe substring
symmetric system_time table tablesample temp temporary terminate then ties time
timestamp to trailing treat trim true truncate tumbling uescape unbounded undefine union
unique unknown unlisten unset update user using vacuum values variadic varying week
weeks when where window with within without year years zone`

var keywordNames = func() (names [kwCount]string) {
	copy(names[1:], strings.Fields(keywordText))
	return names
}()

// maxKeyword is the length of the longest keyword, current_timestamp.
const maxKeyword = 17

// keywordTable is an open-addressing hash table over the keywords. Looking a word up in a Go
// map cost a third of all time spent on tokens.
var keywordTable = func() (table [1024]keyword) {
	for k := kwNone + 1; k < kwCount; k++ {
		i := keywordHash(keywordNames[k])
		for table[i] != kwNone {
			i = (i + 1) & 1023
		}
		table[i] = k
	}
	return table
}()

// keywordHash mixes the first, the second and the last letter with the length; case does not
// matter. len(s) must be at least 2.
func keywordHash(s string) uint32 {
	h := uint32(s[0]|0x20)*37 + uint32(s[1]|0x20)*7 + uint32(s[len(s)-1]|0x20)*131
	return (h + uint32(len(s))*257) & 1023
}

// lookupKeyword finds the keyword spelled s in any case.
func lookupKeyword(s string) keyword {
	if len(s) < 2 || len(s) > maxKeyword {
		return kwNone
	}
	for i := keywordHash(s); ; i = (i + 1) & 1023 {
		k := keywordTable[i]
		if k == kwNone || equalFold(s, keywordNames[k]) {
			return k
		}
	}
}

// equalFold reports whether s is the lower-case word in any case; ASCII only.
func equalFold(s, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

type keywordSet [kwCount]bool

func setOf(ks ...keyword) (s keywordSet) {
	for _, k := range ks {
		s[k] = true
	}
	return s
}

// reserved words can be neither a column nor an alias without quotes. These are PostgreSQL's
// reserved words without those that only DDL gives a meaning to (CHECK, COLUMN, FOREIGN, ...),
// which ksqlDB allows as names.
var reserved = setOf(kwAll, kwAnalyse, kwAnalyze, kwAnd, kwAny, kwArray, kwAs, kwAsc, kwAsymmetric,
	kwBoth, kwCase, kwCast, kwCollate, kwConstraint, kwCreate, kwCurrentCatalog, kwCurrentDate,
	kwCurrentRole, kwCurrentTime, kwCurrentTimestamp, kwCurrentUser, kwDefault, kwDesc,
	kwDistinct, kwDo, kwElse, kwEnd, kwExcept, kwFalse, kwFetch, kwFor, kwFrom, kwGrant, kwGroup,
	kwHaving, kwIn, kwIntersect, kwInto, kwLateral, kwLeading, kwLimit, kwLocaltime,
	kwLocaltimestamp, kwNot, kwNull, kwOffset, kwOn, kwOnly, kwOr, kwOrder, kwPlacing, kwPrimary,
	kwReturning, kwSelect, kwSessionUser, kwSome, kwSymmetric, kwTable, kwThen, kwTo, kwTrailing,
	kwTrue, kwUnion, kwUnique, kwUser, kwUsing, kwVariadic, kwWhen, kwWhere, kwWindow, kwWith)

// funcNameOnly words may name a function or type but not a column or an alias.
var funcNameOnly = setOf(kwAuthorization, kwBinary, kwCollation, kwCross, kwCurrentSchema, kwFull,
	kwIlike, kwInner, kwIs, kwIsnull, kwJoin, kwLeft, kwLike, kwNatural, kwNotnull, kwOuter,
	kwOverlaps, kwRight, kwSimilar, kwTablesample)

// needsAs words need AS before them when they name an output column.
var needsAs = setOf(kwArray, kwAs, kwChar, kwCharacter, kwCreate, kwDay, kwExcept, kwFetch, kwFilter,
	kwFor, kwFrom, kwGrant, kwGroup, kwHaving, kwHour, kwIntersect, kwInto, kwIsnull, kwLimit,
	kwMinute, kwMonth, kwNotnull, kwOffset, kwOn, kwOrder, kwOver, kwOverlaps, kwPrecision,
	kwReturning, kwSecond, kwTo, kwUnion, kwVarying, kwWhere, kwWindow, kwWith, kwWithin,
	kwWithout, kwYear)
