-- Saves the certificates that HAProxy's own ACME client got: HAProxy writes nothing to disk while it runs.
-- Arguments: the master process's port, the folder, the files in it. Looks every few seconds; `nonevent save` on the socket looks at
-- once, which a commit does before workers are replaced. An old worker saves nothing: its successor knows better.
local port, folder = ...
local names = { select(3, ...) }
local PAUSE = 5

-- Returns what the worker itself serves: key, certificate and chain; nothing when it cannot be had.
local function served(name)
    local socket = core.tcp()
    socket:settimeout(5)
    if not socket:connect("127.0.0.1", tonumber(port)) then return nil end
    socket:send("@!" .. core.get_info().Pid .. " dump ssl cert @acme/" .. name .. "\nquit\n")
    local text = socket:receive("*a") or ""
    socket:close()
    if text:find("PRIVATE KEY-----", 1, true) and text:find("-----END CERTIFICATE-----", 1, true) then
        return text:match("^%s*(.-)%s*$") .. "\n"
    end
    return nil
end

local function saved(path)
    local file = io.open(path, "r")
    if not file then return nil end
    local text = file:read("a")
    file:close()
    return text
end

local function save()
    for _, name in ipairs(names) do
        local path = folder .. "/" .. name
        local text = served(name)
        if text and text ~= saved(path) then
            local file = io.open(path .. ".new", "w")
            if file and file:write(text) and file:close() then
                os.rename(path .. ".new", path)
                core.log(core.notice, "nonevent: saved " .. name)
            else
                core.log(core.err, "nonevent: could not save " .. name)
            end
        end
    end
end

core.register_task(function()
    while core.get_info().Stopping == 0 do
        save()
        core.sleep(PAUSE)
    end
end)

core.register_cli({ "nonevent", "save" }, "nonevent save : writes certificates to disk", function(applet)
    save()
    applet:send("saved\n")
end)
