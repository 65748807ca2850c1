-- steps: loops by goto
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	::top::
	goto top
end)
