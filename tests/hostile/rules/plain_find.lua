-- time: searches long text for long text, plainly
-- SPDX-License-Identifier: GPL-2.0-or-later

local live = require("lib.live")

return live.derive(function()
	("a"):rep(4000000):find(("a"):rep(2000000) .. "b", 1, true)
end)
