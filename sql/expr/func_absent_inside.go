package expr

// The ways out for the functions that PostgreSQL's indexes, operators and types call.
const (
	useHash   = "Use hashtext of the value's text."
	useBinary = "Use COPY ... WITH (FORMAT binary), or binary results, for the binary form."
	useOrder  = "Compare with <, = and >, or sort with ORDER BY."
	useGrants = "Use GRANT, REVOKE, and has_table_privilege and its like."
)

// absentInside are functions that stand in pg_proc because something built in names
// them, and that queries do not need.
var absentInside = map[string]string{
	"See millrace.partitions.":     `satisfies_hash_partition`,
	"Use a window frame of RANGE.": `in_range`,
	"Use numeric instead.":         `money`,
	"Use pg_blocking_pids.":        `pg_isolation_test_session_is_blocked`,
	"Use pg_rotate_logfile.":       `pg_rotate_logfile_old`,
	"Use the operator ||.":         `nameconcatoid`,
	useBinary: `anyarray_send anycompatiblearray_send array_send boolsend bpcharsend byteasend
		charsend date_send float4send float8send int2send int2vectorsend int4send int8send
		interval_send json_send jsonb_send jsonpath_send namesend numeric_send oidsend
		oidvectorsend pg_node_tree_send record_send regclasssend regcollationsend regnamespacesend
		regoperatorsend regopersend regproceduresend regprocsend regrolesend regtypesend textsend
		time_send timestamp_send timestamptz_send timetz_send unknownsend uuid_send varcharsend
		void_send xidsend`,
	useBounds: `daterange_subdiff int4range_subdiff int8range_subdiff numrange_subdiff
		tsrange_subdiff tstzrange_subdiff`,
	useBuiltIn: `fmgr_internal_validator postgresql_fdw_validator`,
	useGrants:  `aclcontains aclinsert aclitemeq aclremove makeaclitem`,
	useHash: `hash_aclitem hash_aclitem_extended hash_array hash_array_extended hash_numeric
		hash_numeric_extended hash_record hash_record_extended hashbpchar hashbpcharextended
		hashchar hashcharextended hashfloat4 hashfloat4extended hashfloat8 hashfloat8extended
		hashoidvector hashoidvectorextended interval_hash interval_hash_extended jsonb_hash
		jsonb_hash_extended time_hash time_hash_extended timestamp_hash timestamp_hash_extended
		timetz_hash timetz_hash_extended uuid_hash uuid_hash_extended`,
	useNoCare: `btequalimage btvarstrequalimage gin_cmp_tslexeme gin_compare_jsonb`,
	useOrder: `bpcharcmp btarraycmp btboolcmp btbpchar_pattern_cmp btcharcmp btfloat48cmp
		btfloat4cmp btfloat84cmp btfloat8cmp btint24cmp btint28cmp btint2cmp btint42cmp btint48cmp
		btint4cmp btint82cmp btint84cmp btint8cmp btnamecmp btnametextcmp btoidcmp btoidvectorcmp
		btrecordcmp btrecordimagecmp bttext_pattern_cmp bttextcmp bttextnamecmp byteacmp date_cmp
		date_cmp_timestamp date_cmp_timestamptz interval_cmp jsonb_cmp numeric_cmp time_cmp
		timestamp_cmp timestamp_cmp_date timestamp_cmp_timestamptz timestamptz_cmp
		timestamptz_cmp_date timestamptz_cmp_timestamp timetz_cmp uuid_cmp`,
	useText:       `xml`,
	useTextSearch: `ts_match_tt`,
}

// absentOperators are the functions of operators, by the operator to write instead. The
// collation is C, so that those that go by bytes stand under the ordinary ones.
var absentOperators = map[string]string{
	"!~":   `bpcharregexne nameregexne textregexne`,
	"!~*":  `bpcharicregexne nameicregexne texticregexne`,
	"!~~":  `bpcharnlike byteanlike namenlike textnlike`,
	"!~~*": `bpcharicnlike nameicnlike texticnlike`,
	"#":    `int2xor int4xor int8xor`,
	"%":    `int2mod int4mod int8mod numeric_mod`,
	"&":    `int2and int4and int8and`,
	"&&":   `arrayoverlap`,
	"*": `float48mul float4mul float84mul float8mul int24mul int28mul int2mul int42mul int48mul
		int4mul int82mul int84mul int8mul interval_mul mul_d_interval numeric_mul`,
	"+": `date_pl_interval date_pli datetime_pl datetimetz_pl float48pl float4pl float4up
		float84pl float8pl float8up int24pl int28pl int2pl int2up int42pl int48pl int4pl int4up
		int82pl int84pl int8pl int8up integer_pl_date interval_pl interval_pl_date
		interval_pl_time interval_pl_timestamp interval_pl_timestamptz interval_pl_timetz
		numeric_add numeric_uplus time_pl_interval timedate_pl timestamp_pl_interval
		timestamptz_pl_interval timetz_pl_interval timetzdate_pl`,
	"-": `date_mi date_mi_interval date_mii float48mi float4mi float4um float84mi float8mi
		float8um int24mi int28mi int2mi int2um int42mi int48mi int4mi int4um int82mi int84mi
		int8mi int8um interval_mi interval_um jsonb_delete numeric_sub numeric_uminus
		time_mi_interval time_mi_time timestamp_mi timestamp_mi_interval timestamptz_mi
		timestamptz_mi_interval timetz_mi_interval`,
	"->": `json_array_element json_object_field jsonb_array_element jsonb_object_field`,
	"->>": `json_array_element_text json_object_field_text jsonb_array_element_text
		jsonb_object_field_text`,
	"/": `float48div float4div float84div float8div int24div int28div int2div int42div int48div
		int4div int82div int84div int8div interval_div numeric_div`,
	"<": `array_lt boollt bpchar_pattern_lt bpcharlt bytealt charlt date_lt date_lt_timestamp
		date_lt_timestamptz float48lt float4lt float84lt float8lt int24lt int28lt int2lt int42lt
		int48lt int4lt int82lt int84lt int8lt interval_lt jsonb_lt namelt namelttext numeric_lt
		oidlt oidvectorlt record_image_lt record_lt text_lt text_pattern_lt textltname time_lt
		timestamp_lt timestamp_lt_date timestamp_lt_timestamptz timestamptz_lt timestamptz_lt_date
		timestamptz_lt_timestamp timetz_lt uuid_lt`,
	"<<": `int2shl int4shl int8shl`,
	"<=": `array_le boolle bpchar_pattern_le bpcharle byteale charle date_le date_le_timestamp
		date_le_timestamptz float48le float4le float84le float8le int24le int28le int2le int42le
		int48le int4le int82le int84le int8le interval_le jsonb_le namele nameletext numeric_le
		oidle oidvectorle record_image_le record_le text_le text_pattern_le textlename time_le
		timestamp_le timestamp_le_date timestamp_le_timestamptz timestamptz_le timestamptz_le_date
		timestamptz_le_timestamp timetz_le uuid_le`,
	"<>": `array_ne boolne bpcharne byteane charne date_ne date_ne_timestamp date_ne_timestamptz
		float48ne float4ne float84ne float8ne int24ne int28ne int2ne int42ne int48ne int4ne
		int82ne int84ne int8ne interval_ne jsonb_ne namene namenetext numeric_ne oidne oidvectorne
		record_image_ne record_ne textne textnename time_ne timestamp_ne timestamp_ne_date
		timestamp_ne_timestamptz timestamptz_ne timestamptz_ne_date timestamptz_ne_timestamp
		timetz_ne uuid_ne xidneq xidneqint4`,
	"<@": `arraycontained jsonb_contained`,
	"=": `array_eq booleq bpchareq byteaeq chareq date_eq date_eq_timestamp date_eq_timestamptz
		float48eq float4eq float84eq float8eq int24eq int28eq int2eq int42eq int48eq int4eq
		int82eq int84eq int8eq interval_eq jsonb_eq nameeq nameeqtext numeric_eq oideq oidvectoreq
		record_eq record_image_eq texteq texteqname time_eq timestamp_eq timestamp_eq_date
		timestamp_eq_timestamptz timestamptz_eq timestamptz_eq_date timestamptz_eq_timestamp
		timetz_eq uuid_eq xideq xideqint4`,
	">": `array_gt boolgt bpchar_pattern_gt bpchargt byteagt chargt date_gt date_gt_timestamp
		date_gt_timestamptz float48gt float4gt float84gt float8gt int24gt int28gt int2gt int42gt
		int48gt int4gt int82gt int84gt int8gt interval_gt jsonb_gt namegt namegttext numeric_gt
		oidgt oidvectorgt record_gt record_image_gt text_gt text_pattern_gt textgtname time_gt
		timestamp_gt timestamp_gt_date timestamp_gt_timestamptz timestamptz_gt timestamptz_gt_date
		timestamptz_gt_timestamp timetz_gt uuid_gt`,
	">=": `array_ge boolge bpchar_pattern_ge bpcharge byteage charge date_ge date_ge_timestamp
		date_ge_timestamptz float48ge float4ge float84ge float8ge int24ge int28ge int2ge int42ge
		int48ge int4ge int82ge int84ge int8ge interval_ge jsonb_ge namege namegetext numeric_ge
		oidge oidvectorge record_ge record_image_ge text_ge text_pattern_ge textgename time_ge
		timestamp_ge timestamp_ge_date timestamp_ge_timestamptz timestamptz_ge timestamptz_ge_date
		timestamptz_ge_timestamp timetz_ge uuid_ge`,
	">>":  `int2shr int4shr int8shr`,
	"?&":  `jsonb_exists_all`,
	"?|":  `jsonb_exists_any`,
	"@":   `float4abs float8abs int2abs int4abs int8abs numeric_abs`,
	"@>":  `arraycontains jsonb_contains`,
	"@?":  `jsonb_path_exists_opr`,
	"@@":  `jsonb_path_match_opr`,
	"^":   `dpow numeric_power`,
	"|":   `int2or int4or int8or`,
	"|/":  `dsqrt`,
	"||":  `anytextcat byteacat jsonb_concat textanycat textcat`,
	"||/": `dcbrt`,
	"~":   `bpcharregexeq int2not int4not int8not nameregexeq textregexeq`,
	"~*":  `bpcharicregexeq nameicregexeq texticregexeq`,
	"~~":  `bpcharlike bytealike namelike textlike`,
	"~~*": `bpchariclike nameiclike texticlike`,
}
