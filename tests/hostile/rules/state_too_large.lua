-- none: keeps more over a reload than it may
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")
local rule = live.derive(function()
	for i = 1, 1000 do
		xa.state[i] = ("x"):rep(1000)
	end
	local deep = {}
	xa.state.deep = deep
	for _ = 1, 1000 do
		deep.deeper = {}
		deep = deep.deeper
	end
	xa.state.ring = xa.state
end)
rule.keep_state = true
return rule
