-- SPDX-License-Identifier: GPL-2.0-or-later
---@meta xa

-- The API of rules, version 1, for editors that read LuaCATS annotations. Nothing here runs.

---An address, IPv4 or IPv6. A copy: it may be kept. IPv4 sorts before IPv6.
---`tostring()` and `..` write it as RFC 5952 says.
---@class xa.Address
---@field family 4|6
---@operator concat(any): string
local address = {}

---Is the address in this network, or in any of a set? A text is parsed once.
---@param networks string|xa.Cidr  "10.0.0.0/8", or what xa.cidr() made
---@return boolean
function address:within(networks) end

---A set of networks, each with a value; longest prefix first. `#set` is how many there are.
---@class xa.Cidr
---@operator len: integer
local cidr = {}

---@param where xa.Address|string
---@return boolean
function cidr:contains(where) end

---The value of the longest network that the address is in: what xa.cidr() was given for it, `true`
---if it was given a list; nil if it is in none.
---@param where xa.Address|string
---@return any
function cidr:lookup(where) end

---A flow as it is in this snapshot. Read-only, and valid during the call that it is handed to. A
---label that this stage or one before it has declared reads like a field, "" where it is not set.
---@class xa.Flow
---@field src xa.Address
---@field dst xa.Address
---@field sport integer  ICMP: type
---@field dport integer  ICMP: code
---@field proto integer  IANA protocol number: 6 TCP, 17 UDP
---@field family 4|6
---@field vlan integer  outer id; 0: none
---@field interface string
---@field tcp_flags integer  of all packets, ORed: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK
---@field tos integer  DSCP and ECN of the last packet
---@field ttl_min integer
---@field ttl_max integer
---@field len_min integer  L2 bytes of a packet
---@field len_max integer
---@field fragment boolean  later fragments, which have no ports
---@field packets integer  since the flow began
---@field bytes integer
---@field packets_delta integer  since the snapshot before
---@field bytes_delta integer
---@field first_seen number  Unix time, seconds
---@field last_seen number
---@field duration number  seconds
---@field [string] string  labels
local flow = {}

---The flow's label of that name, which need not be a word of Lua; "" where it is not set.
---@param name string
---@return string
function flow:label(name) end

---A copy of a flow, with all fields and the labels that the rule has used.
---@class xa.FlowCopy
---@field src xa.Address
---@field dst xa.Address
---@field sport integer
---@field dport integer
---@field proto integer
---@field family 4|6
---@field vlan integer
---@field interface string
---@field tcp_flags integer
---@field tos integer
---@field ttl_min integer
---@field ttl_max integer
---@field len_min integer
---@field len_max integer
---@field fragment boolean
---@field packets integer
---@field bytes integer
---@field packets_delta integer
---@field bytes_delta integer
---@field first_seen number
---@field last_seen number
---@field duration number
---@field [string] string

---What the flows of one group come to.
---@class xa.Sum
---@field packets integer
---@field bytes integer
---@field packets_delta integer
---@field bytes_delta integer
---@field flows integer

---All living flows. The fields speak of all, the methods of those that are not hidden. Valid during
---derive().
---@class xa.Snapshot
---@field packets integer
---@field bytes integer
---@field count integer  flows
---@field now number  Unix time, seconds
---@field interval number  seconds since the snapshot before; 0: there is none
local snapshot = {}

---Flows grouped by fields and labels, up to six, and summed. Iterates over the keys, one value
---each, and the sum. Addresses are texts here. Beyond 65536 groups, the last one has "other" for
---all of its keys.
---@param name string
---@param ... string
---@return fun(): ...
function snapshot:sum_by(name, ...) end

---How many different values of a field or label there are: one number, or, with groups, an iterator
---over their keys and the number. Many are estimated, by 0.8 % alone and 2.3 % in groups.
---@param what string
---@return integer
---@overload fun(self: xa.Snapshot, what: string, by: string, ...: string): fun(): ...
function snapshot:count_distinct(what) end

---One flow after the other, in no order. The same object each time: take out what is to be kept.
---@return fun(): xa.Flow
function snapshot:flows() end

---Copies of the `n` flows with the largest number, the largest first.
---@param n integer  from 1 to 10000
---@param name? string  the field; "bytes"
---@return xa.FlowCopy[]
function snapshot:top(n, name) end

---What a label can be set to.
---@alias xa.Value string|integer|boolean

---One sample of a metric that the rule declared, with a value for each of its labels. A gauge is
---set, a counter is added to, a histogram observes.
---@alias xa.Emit fun(metric: string, number: number, labels?: table<string, xa.Value>)

---@class xa.Metric
---@field type "gauge"|"counter"|"histogram"
---@field help string  one line
---@field labels? string[]  up to six
---@field buckets? number[]  of a histogram: upper bounds, rising, without infinity

---What a rule file returns.
---@class xa.Rule
---@field api? 1
---@field labels? string[]
---@field metrics? table<string, xa.Metric>
---@field keep_state? boolean  xa.state survives a reload
---@field init? fun(options: table<any, any>)  once
---@field label? fun(flow: xa.Flow): table<string, xa.Value>?  once a flow
---@field filter? fun(flow: xa.Flow): boolean?  once a flow and snapshot; false hides it
---@field derive? fun(snapshot: xa.Snapshot, emit: xa.Emit)  once a snapshot

---@class xa
---@field api 1
---@field state table<any, any>  numbers, texts, booleans and such tables are kept; see keep_state
xa = {}

---A set of networks: a list of texts, or a map from texts to values, or both in one.
---@param networks table<any, any>
---@return xa.Cidr
function xa.cidr(networks) end

---The usual name of a port; nil: it has none.
---@param port integer
---@param proto integer|"tcp"|"udp"
---@return string?
function xa.service(port, proto) end

---IANA's keyword of a protocol in lower case, its number where there is none.
---@param proto integer
---@return string
function xa.proto(proto) end

---One line to the daemon's log. A rule that says too much is cut off.
---@param level "error"|"warn"|"info"|"debug"
---@param text any
---@overload fun(text: any)
function xa.log(level, text) end

---The snapshot's Unix time, in seconds. There is none in init().
---@return number
function xa.now() end
